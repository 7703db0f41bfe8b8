import { randomUUID } from 'node:crypto';
import { systemClock } from '../../../clock.js';
import { OtaError } from '../../../errors.js';
import { urlDigest } from '../../../journal/journal.js';
import { type JournalContent, journalFile, listRuns } from '../../../journal/read.js';
import type { KeptDevice } from '../../../journal/record.js';
import type { ManifestDevice } from '../../../manifest/model.js';
import { readManifest } from '../../../manifest/read.js';
import type { ConnectionFlags } from '../../../settings/connection/load-connection.js';
import { type CoreOptions, isRunOver } from '../../../upgrade/core.js';
import type { PlannedDevice } from '../../../upgrade/plan.js';
import { resume } from '../../../upgrade/resume.js';
import { outcomes } from '../../../upgrade/tracker/tracker.js';
import { connector, readConnection, SESSION_EXPIRY } from '../../connecting.js';
import type { Io } from '../../io.js';
import type { CommonOptions } from '../../options/common.js';
import type { Options } from '../../options/declaration.js';
import { replaying } from '../../replayed.js';
import { checkedId } from '../../run-id.js';
import { earlierRunJournal, keptServe, runsFolder } from '../../run-journal.js';
import { openOutput, type RunOutput } from '../../run-output.js';
import type { RESUME } from './command.js';

/** What may still need its firmware. */
const OPEN: ReadonlySet<string> = new Set(['unknown', 'not_started']);

type ResumeOptions = Options<typeof RESUME> & CommonOptions;

/** `dji-ota resume [run]`. @returns the exit code, as if the run had never stopped */
export async function resumeCommand(run: string | undefined, flags: ResumeOptions, io: Io): Promise<number> {
  const folder = runsFolder(io.env);
  const id = checkedId(run ?? (await latestUnfinished(folder, flags)));
  const output = await openOutput(flags, io, id);
  try {
    const file = journalFile(folder, id);
    const replay = replaying(file, (kept) => withLimits(kept, flags));
    const { journal, content } = await earlierRunJournal(file, id, output.warn, io.signal, replay.taker);
    try {
      checkResumable(id, content, flags, io);
      warnOfDamage(id, content, output);
      const connection = await readConnection({ ...content.header.connection, ...given(flags) }, io, output.warn, {
        run: { id, named: false },
      });
      const { devices, missing } = await withUrls(content.plan.devices, content, flags.manifest);
      // What ended unknown in a run that came to its own end is only asked for again where that run is named.
      const reopened = content.finished?.complete === true;
      const core = await replay.end(content, reopened);
      core.plan.devices = devices;
      const { options } = core;
      let withheld = false;
      const kept = keptServe(content.header);
      const source = flags.manifest ?? content.header.manifest;
      const serving = kept
        ? await (await import('../../serve-again.js')).serveAgain(
            kept,
            devices,
            outcomes(core.tracker).flatMap(({ status }, index) => (OPEN.has(status) ? [index] : [])),
            () => manifestDevices(source),
            io,
            output,
          )
        : null;
      const result = await resume({
        core,
        connect: connector(connection, { sessionExpiry: SESSION_EXPIRY, resumeSession: true }),
        log: journal,
        timeout: flags.timeout ?? null,
        republishUncertain: flags.republishUncertain ?? false,
        reopened,
        refuses(job) {
          const damaged = content.lost > 0 && !flags.republishUncertain;
          const reason = refusal(job, missing, serving?.unserved ?? new Set(), damaged);
          withheld ||= reason !== null;
          return reason;
        },
        verification:
          options.tracker.verify === 'off'
            ? null
            : (await import('../../../upgrade/verification.js')).createVerification(systemClock),
        clock: systemClock,
        emit: output.emit,
        signal: io.signal,
        newId: randomUUID,
        onPhase: output.phase,
        onView: (view) => output.renderer.view(view),
        ...(serving ? { downloads: serving.downloads } : {}),
      }).finally(() => serving?.close());
      const { exit_code, totals } = result;
      // What was withheld can be published by a later resume.
      const complete = core.cut === null && isRunOver(core) && !withheld;
      await journal.finish({ exit_code, totals, complete });
      await output.finish(result, id);
      return exit_code;
    } finally {
      await journal.abandon();
    }
  } finally {
    output.close();
  }
}

/** @throws OtaError `run_not_found`, `usage` */
function checkResumable(id: string, { header }: JournalContent, flags: ResumeOptions, io: Io): void {
  if (header.simulated) {
    throw new OtaError('run_not_found', `run ${id} was simulated: its broker and docks are gone`, {
      hint: 'Run it again with push --simulate.',
    });
  }
  const { broker, profile } = header.connection;
  if (!broker && !profile && !flags.broker && !flags.profile && !io.env.DJI_OTA_BROKER && !io.env.DJI_OTA_PROFILE) {
    throw new OtaError('usage', `the URL of the broker of run ${id} is not kept, since it may hold a secret`, {
      hint: 'Give it again with --broker.',
    });
  }
}

function warnOfDamage(id: string, { unreadable, lost }: JournalContent, output: RunOutput): void {
  if (lost > 0) {
    const what = 'what may have been published is followed, and nothing new is published';
    output.warn('journal_damaged', `the journal of run ${id} is damaged (${lost} lines are lost): ${what}`);
  } else if (unreadable > 0) {
    output.warn('journal_torn', `the last line of the journal of run ${id} was cut off; nothing depended on it`);
  }
}

function withLimits(kept: CoreOptions, { replyTimeout, stallTimeout, verifyTimeout }: ResumeOptions): CoreOptions {
  const { reply, stall, verify } = kept.limits;
  return {
    ...kept,
    limits: { reply: replyTimeout ?? reply, stall: stallTimeout ?? stall, verify: verifyTimeout ?? verify },
  };
}

/** Why these devices cannot be published now; null where they can. */
function refusal(
  job: readonly number[],
  missing: ReadonlySet<number>,
  unserved: ReadonlySet<number>,
  damaged: boolean,
): string | null {
  if (damaged) {
    return 'the journal is damaged: it may have been sent. Look at the dock; dji-ota resume --republish-uncertain sends it';
  }
  if (job.some((device) => unserved.has(device)))
    return 'its firmware cannot be served again: put the file back, then dji-ota resume sends it';
  if (job.every((device) => !missing.has(device))) return null;
  return 'its file_url is not kept in the journal, and the manifest has it no more: give --manifest';
}

async function latestUnfinished(folder: string, { republishUncertain }: ResumeOptions): Promise<string> {
  const runs = (await listRuns(folder)).filter(({ simulated }) => !simulated);
  const unfinished = runs.find(
    ({ finished }) => !finished?.complete || (republishUncertain && finished.totals.unknown > 0),
  );
  if (unfinished) return unfinished.run;
  throw new OtaError('run_not_found', 'there is no unfinished run', { hint: 'dji-ota runs lists the earlier ones.' });
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
  const devices = await manifestDevices(manifest);
  const urls = devices.flatMap(({ file_url }) => (file_url === null ? [] : [file_url]));
  return new Map(urls.map((url) => [urlDigest(url), url]));
}

/** What the manifest says now; nothing where it cannot be read again. */
async function manifestDevices(manifest: string): Promise<readonly ManifestDevice[]> {
  if (manifest === '-') return [];
  // Gateways were settled when the run began; any name will do for entries that gave none.
  const read = await readManifest(manifest, {
    defaultPids: ['unused'],
    defaultType: null,
    allowFileWithoutUrl: true,
  }).catch(() => null);
  return read?.devices ?? [];
}
