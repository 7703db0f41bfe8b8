import { randomUUID } from 'node:crypto';
import { systemClock } from '../../clock.js';
import { OtaError } from '../../errors.js';
import { urlDigest } from '../../journal/journal.js';
import { type JournalContent, journalFile, listRuns, readJournal } from '../../journal/read.js';
import type { KeptDevice } from '../../journal/record.js';
import { readManifest } from '../../manifest/read.js';
import type { ConnectionFlags } from '../../settings/connection.js';
import type { Emit } from '../../upgrade/events.js';
import type { PlannedDevice } from '../../upgrade/plan.js';
import { rebuild, resume } from '../../upgrade/resume.js';
import type { RunCore } from '../../upgrade/run-core.js';
import { apply } from '../../upgrade/tracker.js';
import { connector, readConnection } from '../connecting.js';
import type { Io } from '../io.js';
import { type LimitFlags, limitsOf } from '../run-flags.js';
import { earlierRunJournal, runsFolder } from '../run-journal.js';
import { type OutputFlags, openOutput } from '../run-output.js';

export interface ResumeFlags extends ConnectionFlags, LimitFlags, OutputFlags {
  manifest?: string;
  republishUncertain?: boolean;
}

const SESSION_EXPIRY = 24 * 3600;

/** `dji-ota resume [run]`. @returns the exit code, as if the run had never stopped */
export async function resumeCommand(run: string | undefined, flags: ResumeFlags, io: Io): Promise<number> {
  const limits = limitsOf(flags);
  const folder = runsFolder(io.env);
  const id = run ?? (await latestUnfinished(folder));
  const file = journalFile(folder, checkedId(id));
  const content = await readJournal(file);
  const { header, plan, facts, finished } = content;
  if (header.simulated) {
    throw new OtaError('run_not_found', `run ${id} was simulated: its broker and docks are gone`, {
      hint: 'Run it again with push --simulate.',
    });
  }
  const output = await openOutput(flags, io, id);
  try {
    if (content.unreadable > 0) {
      output.warn('journal_damaged', `${content.unreadable} lines of the journal of run ${id} cannot be read`);
    }
    const connection = await readConnection({ ...header.connection, ...given(flags) }, io, output.warn);
    const journal = earlierRunJournal(file, id, output.warn);
    const { devices, missing } = await withUrls(plan.devices, content, flags.manifest);
    const options = {
      ...plan.options,
      limits: {
        ...plan.options.limits,
        ...(flags.replyTimeout ? { reply: limits.reply } : {}),
        ...(flags.stallTimeout ? { stall: limits.stall } : {}),
      },
    };
    // What ended unknown in a run that came to its own end is only asked for again where that run is named.
    const core = rebuild({ devices, options, facts }, systemClock, finished?.complete === true);
    const log = await journal.begin(core);
    leaveOutUnsendable(core, missing, output.emit);
    const verification =
      options.tracker.verify === 'off'
        ? null
        : (await import('../../upgrade/looks.js')).createVerification(systemClock);
    const result = await resume({
      core,
      connect: connector(connection, { sessionExpiry: SESSION_EXPIRY, resumeSession: true }),
      log,
      timeout: limits.total,
      republishUncertain: flags.republishUncertain ?? false,
      verification,
      clock: systemClock,
      emit: output.emit,
      signal: io.signal,
      newId: randomUUID,
      onPhase: output.phase,
      onView: (view) => output.renderer.view(view),
    });
    await journal.end(result);
    await output.finish(result, id);
    return result.exit_code;
  } finally {
    output.close();
  }
}

async function latestUnfinished(folder: string): Promise<string> {
  const runs = await listRuns(folder);
  const unfinished = runs.find((run) => !run.simulated && !run.finished?.complete);
  if (unfinished) return unfinished.run;
  throw new OtaError('run_not_found', 'there is no unfinished run', { hint: 'dji-ota runs lists the earlier ones.' });
}

/** A run's id becomes part of a path. @throws OtaError `run_not_found` */
export function checkedId(id: string): string {
  if (/^[A-Za-z0-9-]{1,64}$/.test(id)) return id;
  throw new OtaError('run_not_found', `${JSON.stringify(id)} is no run`, {
    hint: 'dji-ota runs lists the earlier ones.',
  });
}

/** Only what was given on this command line; undefined would hide what the run had. */
function given(flags: ConnectionFlags): ConnectionFlags {
  return Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined));
}

/** The devices with their URLs: those that may hold a secret are not kept, and come from the manifest again. */
async function withUrls(
  kept: readonly KeptDevice[],
  { header }: JournalContent,
  manifest: string | undefined,
): Promise<{ devices: PlannedDevice[]; missing: Set<number> }> {
  const missing = new Set<number>();
  let urls: Map<string, string> | null = null;
  const devices: PlannedDevice[] = [];
  for (const [index, device] of kept.entries()) {
    const { file, ...rest } = device;
    if (!file || file.file_url !== null) {
      devices.push(device as PlannedDevice);
      continue;
    }
    urls ??= await urlsOf(manifest ?? header.manifest);
    const { file_url_sha256, ...facts } = file;
    const file_url = urls.get(file_url_sha256);
    if (file_url === undefined) missing.add(index);
    devices.push({ ...rest, file: { ...facts, file_url: file_url ?? '' } });
  }
  return { devices, missing };
}

async function urlsOf(manifest: string): Promise<Map<string, string>> {
  if (manifest === '-') return new Map();
  // Gateways were settled when the run began; any name will do for entries that gave none.
  const read = await readManifest(manifest, {
    defaultPids: ['unused'],
    defaultType: null,
    allowFileWithoutUrl: true,
  }).catch(() => null);
  const urls = (read?.devices ?? []).flatMap(({ file_url }) => (file_url === null ? [] : [file_url]));
  return new Map(urls.map((url) => [urlDigest(url), url]));
}

/** What was never sent, and whose URL is not to be had any more, cannot be sent now. */
function leaveOutUnsendable(core: RunCore, missing: ReadonlySet<number>, emit: Emit): void {
  const unsent = new Set([...missing].filter((index) => core.tracker.devices[index]?.phase === 'waiting'));
  if (unsent.size === 0) return;
  const reason = 'its file_url is not kept in the journal, and the manifest has it no more: give --manifest';
  core.rollout.stopped ??= reason;
  for (const device of core.tracker.devices) {
    if (device.phase !== 'waiting') continue;
    const { events } = apply(core.tracker, {
      type: 'left_out',
      at: 0,
      device: device.index,
      outcome: 'not_started',
      reason,
    });
    for (const event of events) emit(event);
  }
}
