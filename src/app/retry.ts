/** Decides which devices of an earlier run are retried, and where their data comes from. */
import { OtaError } from '../errors.js';
import { type JournalContent, journalFile, listRuns, type RunSummary, readJournal } from '../journal/read.js';
import type { KeptDevice } from '../journal/record.js';
import { machineOf } from '../machine.js';
import type { Manifest, ManifestDevice } from '../manifest/model.js';
import { hasFailed } from '../upgrade/counting.js';
import { outcomes } from '../upgrade/tracker/tracker.js';
import type { PartOf } from './context.js';
import { findRun } from './run/find-run.js';
import { replaying } from './run/replay-journal.js';
import { runsFolder } from './run/run-journal.js';

interface Retry {
  /** The earlier run. */
  run: string;
  content: JournalContent;
  /** Its devices that did not end well. */
  devices: KeptDevice[];
}

/**
 * The devices to retry. `wanted` undefined: the latest run; a simulated one only if there is no other. `unknown`: also devices
 * whose end is not known.
 * @throws OtaError `run_not_found`, `run_alive`, `usage` if there is nothing to retry, or the run has not ended
 */
export async function toRetry(
  wanted: string | undefined,
  unknown: boolean,
  world: PartOf<'env' | 'clock'>,
): Promise<Retry> {
  const { env } = world;
  const on = machineOf(world);
  const { clock, disk } = on;
  const folder = runsFolder(env);
  const all = await listRuns(folder, on);
  const id = await findRun(wanted ?? (all.find(({ simulated }) => !simulated) ?? all[0])?.run ?? 'last', env, on);
  const file = journalFile(folder, id);
  const replayed = async (of: string) => {
    const replay = replaying(of, clock, undefined, disk);
    const content = await readJournal(of, replay.taker, disk);
    return { content, ends: outcomes((await replay.end(content, false)).tracker) };
  };
  const summary = all.find(({ run }) => run === id);
  const attempts = summary ? [summary, ...retriesOf(summary, all)] : [];
  for (const attempt of attempts) checkEnded(attempt);
  const { content, ends } = await replayed(file);
  // The outcome of a later attempt replaces that of the first one.
  const newest = new Map(ends.map((end) => [end.sn, end]));
  for (const attempt of attempts.slice(1)) {
    for (const end of (await replayed(attempt.file)).ends) newest.set(end.sn, end);
  }
  const chosen = content.plan.devices.filter(({ sn }) => {
    const end = newest.get(sn);
    return end && (hasFailed(end) || end.status === 'not_started' || (unknown && end.status === 'unknown'));
  });
  if (chosen.length > 0) return { run: id, content, devices: chosen };
  const last = attempts.at(-1)?.run ?? id;
  const open = [...newest.values()].filter(({ status }) => status === 'unknown').length;
  throw new OtaError('usage', `run ${id} has no device to retry`, {
    hint:
      open === 0
        ? `All ended well: dji-ota runs ${last} shows ${last === id ? 'them' : 'the latest attempt'}.`
        : `The outcome of ${open} of them is unknown: dji-ota resume ${last} listens again, --include unknown sends the upgrade again.`,
  });
}

/** The runs that retried `run`, or one of its retries, the earliest first. A simulated run is not an attempt at a real one. */
function retriesOf({ run, simulated }: RunSummary, all: readonly RunSummary[]): RunSummary[] {
  const chain = new Set([run]);
  const later = [...all].reverse().filter((each) => !each.simulated || simulated);
  const found: RunSummary[] = [];
  for (const each of later) {
    if (each.retryOf === undefined || !chain.has(each.retryOf) || chain.has(each.run)) continue;
    chain.add(each.run);
    found.push(each);
  }
  return found;
}

/** Checks that a run has ended. @throws OtaError `run_alive`, or `usage` if a resume would publish the rest of it */
function checkEnded({ run, alive, holder, finished, simulated }: RunSummary): void {
  if (alive) {
    throw new OtaError('run_alive', `run ${run} is still running, in process ${holder?.pid}`, {
      hint: 'Wait for its end.',
    });
  }
  if (finished?.complete || simulated) return;
  throw new OtaError('usage', `run ${run} has not ended`, {
    hint: `Continue it with dji-ota resume ${run}; then retry the devices that did not end well.`,
  });
}

/**
 * The devices from the manifest as it is now, or as they were published if the manifest is gone.
 * @throws OtaError `usage` if they are in neither; what `read` throws for an existing manifest
 */
export async function devicesAgain(
  { run, content, devices }: Retry,
  manifest: string | undefined,
  read: (source: string) => Promise<Manifest>,
): Promise<Manifest> {
  const source = manifest ?? content.header.manifest;
  const found =
    manifest === undefined && source === '-'
      ? null
      : await read(source).catch((error: OtaError) => {
          if (manifest === undefined && error.code === 'manifest_unreadable') return null;
          throw error;
        });
  if (!found) {
    const entries = devices.map((device, index) => entryOf(device, index, run, content));
    return { source, devices: entries, sha256: null, warnings: [] };
  }
  const entries = new Map(found.devices.map((entry) => [entry.sn, entry]));
  const missing = devices.filter(({ sn }) => !entries.has(sn)).map(({ sn }) => sn);
  if (missing.length > 0) {
    throw new OtaError('usage', `the manifest no longer has ${missing.length} devices of run ${run}`, {
      details: missing,
      hint: 'Omit them with --exclude, or give the manifest that has them with --manifest.',
    });
  }
  const { sha256, warnings } = found;
  return { source, devices: devices.flatMap(({ sn }) => entries.get(sn) ?? []), sha256, warnings };
}

function entryOf(device: KeptDevice, index: number, run: string, { header }: JournalContent): ManifestDevice {
  const { sn, pid, product_version, firmware_upgrade_type, file } = device;
  if (file && (file.file_url === null || header.served)) {
    throw new OtaError('usage', `the firmware source of device ${sn} of run ${run} was not stored`, {
      hint: 'Give the manifest with --manifest.',
    });
  }
  const { file_url = null, md5 = null, file_size = null, file_name = null } = file ?? {};
  const facts = { file_url, file: null, md5, sha256: null, file_size, file_name };
  return { index, sn, pid, product_version, firmware_upgrade_type, ...facts, labels: NO_LABELS, known: null };
}

const NO_LABELS = Object.freeze({});
