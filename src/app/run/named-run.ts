/** `--run <name>`: finds the earlier run of a name, under the lease of its journal, which excludes other processes. */
import { createHash } from 'node:crypto';
import { OtaError } from '../../errors.js';
import { type HeldJournal, holdJournal } from '../../journal/journal.js';
import {
  type FactTaker,
  type JournalContent,
  journalFile,
  NOT_BEGUN,
  readJournal,
  runNames,
} from '../../journal/read.js';
import type { KeptDevice } from '../../journal/record.js';
import { journalName } from '../../journal/run-name.js';
import { machineOf } from '../../machine.js';
import type { ManifestDevice } from '../../manifest/model.js';
import type { Shard } from '../../manifest/select.js';
import { normalizeVersion, sameVersion } from '../../protocol/versions.js';
import { ensurePrivateFolder } from '../../settings/state-folders.js';
import { byText } from '../../text.js';
import type { PartOf } from '../context.js';
import { sameRun } from './find-run.js';
import { runsFolder } from './run-journal.js';

/** A named run that this process holds the lease of. */
export interface ClaimedRun {
  /** The name of the journal. */
  run: string;
  name: string;
  /** `fresh`: there is no journal, so an earlier attempt is not known; `new`: nothing was published under the name. */
  state: 'fresh' | 'new' | 'unfinished' | 'finished';
  /** The journal of a run that was begun earlier. */
  content: JournalContent | null;
  held: HeldJournal;
}

/** Milliseconds that a machine without the journal listens for upgrades of an earlier attempt. */
export const LISTEN_FOR_EARLIER = 10_000;

interface NamedRequest {
  name: string;
  shard: Shard | undefined;
  devices: readonly ManifestDevice[];
  simulated: boolean;
}

/**
 * Claims the name for this process. The caller releases `held` if it does not continue the journal.
 * @throws OtaError `run_alive` if another process holds it; `usage` if it is the name of another run
 */
export async function claimRun(
  { name, shard, devices, simulated }: NamedRequest,
  context: PartOf<'clock' | 'env' | 'signal'>,
  onWait: (message: string) => void,
): Promise<ClaimedRun> {
  const { env, signal } = context;
  const on = machineOf(context);
  const { disk } = on;
  const folder = runsFolder(env);
  await ensurePrivateFolder(folder, 'journal_unwritable', disk);
  const wanted = journalName(name, shard);
  const held = await holdJournal(journalFile(folder, wanted), wanted, { ...on, signal, onWait });
  try {
    // List again under the lease: the previous holder may have begun the journal just now.
    const run = sameRun(wanted, await runNames(folder, disk));
    if (run === undefined) return { run: wanted, name, state: 'fresh', content: null, held };
    const sent = new Set<string>();
    let waited = false;
    const taker: FactTaker = () => (fact) => {
      if (fact.type === 'job_opened') sent.add(fact.bid);
      else if (fact.type === 'job_unsent' && fact.withdrawn) sent.delete(fact.bid);
      else if (fact.type === 'gateway_waiting') waited = true;
    };
    const content = await readJournal(journalFile(folder, run), taker, disk).catch((error: OtaError) => {
      if (error.cause === NOT_BEGUN) return null;
      throw error;
    });
    if (content === null) return { run, name, state: 'new', content, held };
    // A run that ended while it waited for docks continues with the rest of the time.
    const begun = sent.size > 0 || content.lost > 0 || (waited && !content.finished?.complete);
    const state = stateOf(content, begun, simulated);
    if (state !== 'new') checkSameManifest(run, content, devices);
    return { run, name, state, content, held };
  } catch (error) {
    await held.lease.release();
    throw error;
  }
}

/** Exit codes of runs that published nothing and leave their name free. */
const NOTHING_SENT: ReadonlySet<number> = new Set([2, 3, 4, 7, 70]);

function stateOf({ header, finished }: JournalContent, begun: boolean, simulated: boolean) {
  if (header.simulated !== simulated) {
    // A simulated run does not reserve its name.
    if (header.simulated) return 'new';
    throw new OtaError('usage', `run ${header.run} is not simulated: its docks are real`, {
      hint: 'Simulate under another name, or without --run.',
    });
  }
  if (!begun && (!finished?.complete || NOTHING_SENT.has(finished.exit_code))) return 'new';
  // Simulated docks end with their process, so nothing can be resumed.
  if (!finished?.complete) return simulated ? 'new' : 'unfinished';
  return finished.totals.unknown > 0 && !simulated ? 'unfinished' : 'finished';
}

/** Compares with the earlier run. @throws OtaError `usage` if the name belongs to other devices, versions or firmware */
function checkSameManifest(run: string, { header, plan }: JournalContent, devices: readonly ManifestDevice[]): void {
  const differences = differencesOf(plan.devices, devices);
  const known = header.fingerprint;
  // Journals of earlier versions have the versions as written.
  const same = [normalizeVersion, (version: string) => version].some((by) => known === fingerprintOf(devices, by));
  const other = known !== undefined && !same;
  if (differences.length === 0 && !other) return;
  const shown = differences.slice(0, 10);
  if (differences.length > shown.length) shown.push(`and ${differences.length - shown.length} more`);
  throw new OtaError('usage', `run ${run} was made with another manifest`, {
    details: shown.length > 0 ? shown : ['an md5 or the path of a URL differs'],
    hint: 'Use another name for this manifest. A name stands for one set of devices, versions and firmware.',
  });
}

function differencesOf(before: readonly KeptDevice[], now: readonly ManifestDevice[]): string[] {
  const key = ({ pid, sn }: { pid: string; sn: string }) => `${sn} on gateway ${pid}`;
  const old = new Map(before.map((device) => [key(device), device]));
  const differences: string[] = [];
  for (const device of now) {
    const known = old.get(key(device));
    old.delete(key(device));
    if (!known) differences.push(`${key(device)} was not in it`);
    else if (known.firmware_upgrade_type !== device.firmware_upgrade_type)
      differences.push(`${key(device)}: another type`);
    else if (!sameVersion(known.product_version, device.product_version))
      differences.push(`${key(device)}: version ${known.product_version} then, ${device.product_version} now`);
  }
  return [...differences, ...[...old.keys()].map((gone) => `${gone} is missing now`)];
}

/**
 * A fingerprint that is equal if two manifests mean the same upgrade: gateway, serial number, version and type of each device,
 * its MD5 as given, and the path of its URL. The order, the spelling of versions, query strings, hosts and local files do not
 * count.
 */
export function fingerprintOf(devices: readonly ManifestDevice[], versionOf = normalizeVersion): string {
  const lines = devices.map(({ pid, sn, product_version, firmware_upgrade_type, md5, file_url }) => {
    const path = file_url !== null && URL.canParse(file_url) ? new URL(file_url).pathname : file_url;
    return JSON.stringify([pid, sn, versionOf(product_version), firmware_upgrade_type, md5, path]);
  });
  return createHash('sha256').update(lines.sort(byText).join('\n')).digest('hex');
}
