/** Resumes an interrupted push from its journal. */
import type { Disk } from '../disk.js';
import { OtaError } from '../errors.js';
import { createFleetFeed } from '../fleet/feed.js';
import { type HeldJournal, urlDigest } from '../journal/journal.js';
import { type JournalContent, journalFile, listRuns } from '../journal/read.js';
import type { KeptDevice, RunRecord } from '../journal/record.js';
import { type Machine, thisMachine } from '../machine.js';
import type { ManifestDevice } from '../manifest/model.js';
import { readManifest } from '../manifest/read.js';
import { type CoreOptions, isRunOver } from '../upgrade/core/core.js';
import type { PlannedDevice } from '../upgrade/plan/plan.js';
import { watchReadiness } from '../upgrade/preflight/ready-watch.js';
import { resume as runResume } from '../upgrade/resume.js';
import { createVerification } from '../upgrade/verification.js';
import type { Connect, Context, Warn } from './context.js';
import { keepInventory, modelsKnown, readInventory } from './inventory/keep.js';
import type { PushEnd } from './push.js';
import type { Limits } from './push-settings.js';
import { holdLastLine } from './run/last-line.js';
import { namedBids } from './run/named-bids.js';
import { operator } from './run/operator.js';
import { replaying } from './run/replay-journal.js';
import { earlierRunJournal, runsFolder, servedBy } from './run/run-journal.js';
import { nextCommand } from './run/run-state.js';
import type { ServeSettings } from './serving/serving.js';

/** What is resumed, and how. */
export interface ResumeRequest {
  run: string;
  /** The lease, if the caller has it already. */
  held?: HeldJournal | undefined;
  /** Returns how to reach the docks. Called after the journal has shown how they were reached. */
  connect(kept: RunRecord): Promise<Connect>;
  /** The manifest for the URLs of jobs that have not been sent; default: the manifest of the run. */
  manifest?: string | undefined;
  /** The manifest's devices, if it is known to mean the same upgrade. Its URLs may have new signatures. */
  devices?: readonly ManifestDevice[] | undefined;
  /** Where the firmware is served from now on; default: where it was served. */
  serve?: ServeSettings | undefined;
  /** Publish the jobs again, under their own ids, of which it is not certain that they were sent. */
  republishUncertain?: boolean | undefined;
  /** Default: the limits of the run; `total` none. */
  limits?: Limits | undefined;
}

/** Outcomes of devices that may still need their firmware. */
const OPEN: ReadonlySet<string> = new Set(['unknown', 'not_started']);

/**
 * Follows every device to its end, as if the run had never stopped.
 * @throws OtaError `run_not_found`, `run_alive`, `journal_unwritable`, and what `connect` throws
 */
export async function resume(request: ResumeRequest, context: Context): Promise<PushEnd> {
  const { run, republishUncertain = false, limits = {} } = request;
  const { clock, disk, signal, newId, warn } = context;
  const lastLine = holdLastLine(context.emit);
  const file = journalFile(runsFolder(context.env), run);
  const replay = replaying(file, clock, (kept) => withLimits(kept, limits), disk);
  const { journal, content } = await earlierRunJournal(file, run, context, replay.taker, request.held);
  context.recorded?.();
  const { header, plan, finished, lost } = content;
  try {
    if (header.simulated) {
      throw new OtaError('run_not_found', `run ${run} was simulated: its broker and docks no longer exist`, {
        hint: 'Run it again with push --simulate.',
      });
    }
    warnOfDamage(run, content, warn);
    const connect = await request.connect(header);
    const source = request.manifest ?? header.manifest;
    const entries = async () => request.devices ?? manifestDevices(source, disk);
    const found = await withUrls(plan.devices, entries, request.devices !== undefined);
    const { missing } = found;
    const before = servedBy(header);
    const { servedFrom, serveAgain } = await import('./serving/serve-again.js');
    const { devices, serve } =
      before && request.serve
        ? servedFrom(found.devices, before, request.serve)
        : { devices: found.devices, serve: before };
    // A run that came to its own end with unknown devices is only asked for again if it is named.
    const reopened = finished?.complete === true;
    const core = await replay.end(content, reopened);
    core.plan.devices = devices;
    const feed = createFleetFeed(clock);
    const keepListening = core.options.tracker.verify !== 'off';
    const { judge } = core.options;
    const inventory = await readInventory(context);
    const watch = judge
      ? watchReadiness(core.plan, feed, {
          ...{ clock, keepListening, inventory, skipCurrent: judge.skipCurrent },
          ...{ allow: new Set(judge.allow), known: new Map() },
        })
      : null;
    const { restoredAt } = core.tracker;
    let withheld = false;
    const serving = serve
      ? await serveAgain(
          serve,
          devices,
          core.tracker.devices.flatMap(({ phase, status, index }) =>
            phase !== 'ended' || OPEN.has(status ?? '') ? [index] : [],
          ),
          entries,
          context,
        )
      : null;
    const closeInventory = keepInventory(feed, 'resume', context);
    const result = await runResume({
      core,
      connect,
      log: journal,
      timeout: limits.total ?? null,
      republishUncertain,
      reopened,
      by: operator(context.processes),
      refuses(job) {
        const reason = refusal(job, missing, serving?.unserved ?? new Set(), lost > 0 && !republishUncertain);
        withheld ||= reason !== null;
        return reason;
      },
      verification: {
        ...createVerification(clock, feed, keepListening),
        modelOf: modelsKnown(feed, inventory, request.devices ?? []),
      },
      readiness: watch ? { watch, feed, onWarning: warn } : null,
      clock,
      emit: lastLine.emit,
      signal,
      newId,
      ...(header.named === undefined ? {} : { bidOf: namedBids(header.named, core.plan) }),
      onPhase: (phase) => context.phase?.(phase),
      onView: (view) => context.view?.(view),
      ...(serving ? { downloads: serving.downloads } : {}),
    }).finally(async () => {
      await serving?.close();
      await closeInventory();
    });
    const { exit_code, totals } = result;
    // If it ended before the reconnect, it stays complete: a later resume can still ask for the devices with an unknown end.
    const asBefore = reopened && core.tracker.restoredAt === restoredAt;
    // A later resume can publish what was withheld.
    const complete = asBefore || (core.cut === null && isRunOver(core) && !withheld);
    await journal.finish(asBefore && finished ? finished : { exit_code, totals, complete });
    const taken = result.error?.code === 'run_taken_over';
    return { result, next: taken ? null : nextCommand({ run, simulated: false, complete, devices: result.devices }) };
  } finally {
    await journal.abandon();
    lastLine.release();
  }
}

/**
 * The latest run that can be resumed. `republishUncertain`: including runs that came to their own end with unknown devices.
 * @throws OtaError `run_not_found`
 */
export async function latestUnfinished(
  env: NodeJS.ProcessEnv,
  republishUncertain: boolean,
  on: Machine = thisMachine,
): Promise<string> {
  const runs = (await listRuns(runsFolder(env), on)).filter(({ simulated }) => !simulated);
  const unfinished = runs.find(
    ({ finished }) => !finished?.complete || (republishUncertain && finished.totals.unknown > 0),
  );
  if (unfinished) return unfinished.run;
  throw new OtaError('run_not_found', 'there is no unfinished run', {
    hint: 'List the earlier runs with dji-ota runs.',
  });
}

function warnOfDamage(id: string, { unreadable, lost }: JournalContent, warn: Warn): void {
  if (lost > 0) {
    const what = 'jobs that may have been published are followed, and nothing new is published';
    warn('journal_damaged', `the journal of run ${id} is damaged (${lost} lines are lost): ${what}`);
  } else if (unreadable > 0) {
    warn('journal_torn', `the last line of the journal of run ${id} was cut off; nothing depended on it`);
  }
}

function withLimits(kept: CoreOptions, { reply, stall, verify }: Limits): CoreOptions {
  const { limits } = kept;
  return {
    ...kept,
    limits: { reply: reply ?? limits.reply, stall: stall ?? limits.stall, verify: verify ?? limits.verify },
  };
}

/** Why these devices cannot be published now; null = they can. */
function refusal(
  job: readonly number[],
  missing: ReadonlySet<number>,
  unserved: ReadonlySet<number>,
  damaged: boolean,
): string | null {
  if (damaged) {
    return 'the journal is damaged: the job may have been sent. Check the dock; to send it, use dji-ota resume --republish-uncertain';
  }
  if (job.some((device) => unserved.has(device)))
    return 'its firmware cannot be served again: restore the file, then continue with dji-ota resume';
  if (job.every((device) => !missing.has(device))) return null;
  return 'its file_url was not stored in the journal, and is no longer in the manifest: give --manifest';
}

/**
 * The devices with their URLs. URLs that may contain a secret are not in the journal, and are read from the manifest. `same`:
 * it is known to mean the same upgrade, so a URL may have a new signature.
 */
async function withUrls(
  kept: readonly KeptDevice[],
  entries: () => Promise<readonly ManifestDevice[]>,
  same: boolean,
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
    urls ??= new Map(
      (await entries()).flatMap(({ sn, file_url: url }) => (url === null ? [] : [[same ? sn : urlDigest(url), url]])),
    );
    const { file_url_sha256, ...facts } = file;
    const file_url = urls.get(same ? device.sn : file_url_sha256);
    if (file_url === undefined) missing.add(index);
    devices.push({
      ...rest,
      file: file_url === undefined ? { ...facts, file_url: null, why: 'not kept' } : { ...facts, file_url },
    });
  }
  return { devices, missing };
}

/** The devices of the manifest as it is now; empty if it cannot be read. */
async function manifestDevices(manifest: string, disk: Disk): Promise<readonly ManifestDevice[]> {
  if (manifest === '-') return [];
  // The gateways are known from the journal, so any default will do.
  const read = await readManifest(manifest, {
    defaultPids: ['unused'],
    defaultType: null,
    allowFileWithoutUrl: true,
    disk,
  }).catch(() => null);
  return read?.devices ?? [];
}
