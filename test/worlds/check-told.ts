/** Checks everything that a run emits against what its docks did. */
import { readLine } from '../../src/journal/record.js';
import { resultCode } from '../../src/protocol/result-codes.js';
import { sameVersion } from '../../src/protocol/versions.js';
import type { RunEvent } from '../../src/upgrade/events.js';
import type { WorldDock } from './docks.js';
import { type Heard, type LifeFacts, type RunFacts, runOf, type Standing, type World } from './facts.js';
import { HOME } from './life.js';
import { TARGET } from './scene.js';
import { BEGIN } from './time.js';

type Finished = Extract<RunEvent, { event: 'device_finished' }>;

export function checkTold(world: World, life: LifeFacts, event: RunEvent) {
  const { time } = world;
  const run = runOf(world, life.run ?? '');
  if (life.again) return;
  switch (event.event) {
    case 'run_started':
      life.begunAt = time.now;
      if (event.command === 'resume') reopen(world, run);
      else beginAnew(run);
      return;
    case 'job_published': {
      const job = run.jobs.get(event.bid);
      const spoke = world.docks.get(event.pid)?.requests.some(({ bid }) => bid === event.bid);
      // With --match gateway, any message on the gateway counts.
      if (!job?.taken && !spoke && world.scene.settings.match !== 'gateway')
        world.violated('told too early', `${event.bid} is told as published, and no broker has it`);
      return;
    }
    case 'device_progress':
      return checkProgress(world, life, run, event);
    case 'device_retrying': {
      const standing = run.devices.get(event.sn ?? '');
      if (standing) Object.assign(standing, { state: 'retry', at: time.now });
      return;
    }
    case 'device_finished':
      return checkFinished(world, life, run, event);
    case 'run_stopping':
      run.stopped = true;
      run.stoppedAt = time.now;
      run.stoppedBy = life;
      run.stopReason = event.reason;
      run.everStopped = true;
      run.stopRequested ||= event.reason.startsWith('dji-ota runs stop');
      return;
    case 'pair_split':
      run.split = true;
      return;
    case 'wave_started':
    case 'wave_finished':
      if (life.events.some(({ event: told }) => told.event === event.event && told.wave === event.wave))
        world.violated('wave told twice', `${event.event} of wave ${event.wave} is told again`);
      return;
    default:
  }
}

/** Starts again under a name that an earlier process left free, because it published nothing. */
function beginAnew(run: RunFacts): void {
  if (run.jobs.size > 0) return;
  run.stopped = false;
  for (const standing of run.devices.values()) standing.state = 'waiting';
}

/** Resumes a run that came to its own end with unknown devices: what was given up with them is open again. */
function reopen(world: World, run: RunFacts): void {
  // The disk may accept now what it did not accept before; nothing of it was sent.
  const unrecorded = UNRECORDED.test(run.stopReason);
  const lostStop = isLost(world, run, run.stoppedBy, run.stoppedAt);
  if (unrecorded || lostStop) run.stopped = false;
  if (lostStop) run.stopRequested = false;
  for (const standing of run.devices.values()) {
    const { state, before, reason, status, at, life } = standing;
    const waited = unrecorded && before === 'retry' && status !== 'ok' && at >= run.stoppedAt;
    if (state === 'ended' && (waited || isLost(world, run, life, at) || UNRECORDED.test(reason ?? '')))
      standing.state = before;
  }
  if (!hasEnded(world, run)) return;
  if (!run.stopRequested) run.stopped = false;
  for (const [sn, standing] of run.devices) {
    if (standing.state !== 'ended') continue;
    if (standing.status === 'unknown')
      Object.assign(standing, heardSince(world, run, sn, standing) ?? { state: 'open' });
    // What was left out because it was not ready stays so.
    else if (/not ready/.test(standing.reason ?? '')) continue;
    else if (standing.status === 'not_started' && standing.before === 'waiting' && !run.stopRequested)
      standing.state = 'waiting';
    else if (standing.status !== 'ok' && standing.before === 'retry') standing.state = 'retry';
  }
}

/**
 * An end that was emitted at `at`, after a warning that the journal cannot be written, and is not in it: no later process knows
 * it.
 */
function isLost(world: World, run: RunFacts, life: LifeFacts | null, at: number): boolean {
  if (life === null || life.journalWrittenAt >= at) return false;
  if (!warnedOfJournal(life)) return false;
  // Of a write that a full disk accepted in part, complete lines count. They are in order.
  const wall = BEGIN + at + life.journalSkew - 2;
  const lines = (world.disk.text(`${HOME}/state/runs/${run.id}.jsonl`) ?? '').split('\n');
  return !lines.some((line) => Number(readLine(line)?.record.time ?? 0) >= wall);
}

/** If its last message came after it was given up: the state of the device when it is followed again. */
function heardSince(
  { lives, scene }: World,
  { id }: RunFacts,
  sn: string,
  { job, at }: Standing,
): Pick<Standing, 'state' | 'late' | 'lateKept'> | null {
  // With --match gateway, any message on the gateway counts.
  const isOf = ({ bid, pid }: Heard) => (scene.settings.match === 'gateway' ? pid === job?.pid : bid === job?.bid);
  const words = lives.filter(({ run }) => run === id).flatMap((life) => life.heard.map((word) => ({ word, life })));
  const said = words.findLast(({ word }) => word.last && isOf(word) && word.at >= at && covers(word.sn, sn));
  if (!said) return null;
  const { word, life } = said;
  const late = badEnd(word.status ?? 'rejected', word.result);
  // A life that was being cut off no longer took it. "Already running" may concern an earlier copy. An event that its `bid`
  // does not identify has no job once that has ended.
  const { retry, running } = resultCode(word.result);
  const kept = life.causes.size === 0 && (life.result?.error ?? null) === null && !running && word.bid === job?.bid;
  return { state: retry ? 'retry' : 'ended', late, lateKept: kept };
}

const UNRECORDED = /the journal \S+ cannot be written/;

/** Whether, by its journal, the run has ended completely and was not resumed since. */
export function hasEnded(world: World, run: RunFacts): boolean {
  const lines = (world.disk.text(`${HOME}/state/runs/${run.id}.jsonl`) ?? '').trimEnd().split('\n');
  // A torn line does not count, however long it is.
  const last = lines.findLast((line) => !line.includes('"kind":"seam"') && readLine(line) !== null) ?? '';
  return last.includes('"kind":"finished"') && last.includes('"complete":true');
}

function checkProgress(
  world: World,
  life: LifeFacts,
  run: RunFacts,
  event: Extract<RunEvent, { event: 'device_progress' }>,
) {
  const standing = run.devices.get(event.sn ?? '');
  if (standing?.state === 'ended' && standing.life === life) {
    world.violated('progress after the end', `${event.sn} had ended ${standing.status}`);
  }
  const before = life.events.findLast(
    ({ event: each }) => (each.event === 'device_progress' || each.event === 'device_retrying') && each.sn === event.sn,
  )?.event;
  if (before?.event !== 'device_progress' || before.bid !== event.bid || before.step_key !== event.step_key) return;
  if (before.percent !== null && event.percent !== null && event.percent < before.percent) {
    world.violated('percent fell', `${event.sn} from ${before.percent} to ${event.percent} % of ${event.step_key}`);
  }
}

function checkFinished(world: World, life: LifeFacts, run: RunFacts, event: Finished) {
  const { sn, status, reason } = event;
  const standing = run.devices.get(sn ?? '');
  if (!standing) return world.violated('told of others', `${sn} is no device of the run`);
  if (standing.state === 'ended') {
    if (standing.life === life) world.violated('ended twice', `${sn} ended ${standing.status}, and now ${status}`);
    else if (standing.status !== status && standing.status !== 'unknown' && !forgotten(world, standing)) {
      world.violated('end changed', `${sn} ended ${standing.status} in an earlier process, and ${status} now`);
    }
  }
  if (status === 'unknown' && standing.late !== null && standing.lateKept && !world.diskTroubled)
    world.violated('end forgotten', `${sn}: an earlier process was told that it ended ${standing.late}`);
  const lastJob = standing.job;
  if (standing.state !== 'ended') standing.before = standing.state;
  Object.assign(standing, { state: 'ended', status, late: null, reason, life, at: world.time.now });
  const contradiction = contradicts(world, run, event, world.docks.get(event.pid));
  if (contradiction !== null)
    world.violated(`wrong end: ${status}`, `${sn} is told as ${status}, but ${contradiction}`);
  if (status === 'unknown' && lastJob !== null) checkUnknown(world, life, event, lastJob.at);
}

/**
 * A power cut may have removed what was emitted within the minute before, because it was not on disk. For a process whose
 * journal could not be synced, and which reported that, it may have removed everything.
 */
function forgotten({ powerCuts }: World, { at, life }: Standing): boolean {
  const unsynced = life !== null && warnedOfJournal(life);
  return powerCuts.some((cut) => cut >= at && (unsynced || cut - at < 120_000));
}

export function warnedOfJournal({ events }: LifeFacts): boolean {
  return events.some(({ event }) => event.event === 'warning' && event.code === 'journal_unwritable');
}

/** Why an outcome is not what the dock did; null = it is. */
function contradicts({ scene }: World, run: RunFacts, event: Finished, dock: WorldDock | undefined): string | null {
  const { sn, status, result } = event;
  if (!dock || sn === null) return 'there is no such dock';
  const jobs = [...run.jobs.values()].filter((job) => job.sns.includes(sn));
  const bids = new Set(jobs.map(({ bid }) => bid));
  const requests = dock.requests.filter(({ bid }) => bids.has(bid));
  const well = requests.some(({ ends }) =>
    ends.some((end) => covers(end.sn, sn) && (end.end === 'ok' || end.end === 'missed')),
  );
  const version = dock.versionOf(sn) ?? '';
  switch (status) {
    case 'ok': {
      if (event.verified === true && !sameVersion(version, TARGET)) return `it is told as verified and runs ${version}`;
      if (well || scene.settings.match === 'gateway') return null;
      // Its own report is evidence, no matter who upgraded it.
      return event.verified === true && sameVersion(version, TARGET) ? null : `its dock never ended that well`;
    }
    case 'skipped':
      return sameVersion(version, TARGET) ? null : `it runs ${version}`;
    case 'not_started':
      return jobs.some(({ taken }) => taken) ? 'the broker has taken its upgrade' : null;
    case 'unknown':
      return null;
    default: {
      if (scene.settings.match === 'gateway') return null;
      const refusedAs =
        requests.length === 0
          ? undefined
          : jobs.map(({ bid }) => dock.refusals.get(bid)).find((code) => code === result);
      const said = dock.lastWords.some(
        (word) =>
          (word.bid === null || bids.has(word.bid)) &&
          covers(word.sn, sn) &&
          badEnd(word.status, word.result) === status,
      );
      const started = requests.some((request) => request.started);
      if (status === 'rejected' && refusedAs !== undefined) {
        const busyWithOurs =
          started && requests.length > jobs.length && !requests.some(({ refused }, index) => refused && index === 0);
        return busyWithOurs && !said ? `its dock had begun that upgrade, and refused only a second copy of it` : null;
      }
      return said ? null : `its dock never said so`;
    }
  }
}

/** An `ok` with an error code is a failure. */
function badEnd(status: string, result: number): string {
  return status === 'ok' && result !== 0 ? 'failed' : status;
}

function covers(of: string | null, sn: string): boolean {
  return of === null || of === sn;
}

export const LIMIT_PASSED =
  /(?:no services_reply within|no message from the device for|nothing was reported within) (\d+) s/;

/** `unknown` is only allowed if the end could not be received: no message came, and the limit had really passed. */
function checkUnknown(world: World, life: LifeFacts, event: Finished, publishedAt: number): void {
  const { time } = world;
  const { bid, pid, sn, reason } = event;
  const mine = life.heard.filter(
    (heard) =>
      heard.pid === pid &&
      heard.at >= publishedAt &&
      covers(heard.sn, sn ?? '') &&
      (heard.bid === bid || heard.bid === null),
  );
  if (mine.some(({ last, kind }) => last && kind === 'progress')) {
    world.violated('heard and unknown', `${sn}: the process was told its end, and says that it is not known`);
  }
  const seconds = LIMIT_PASSED.exec(reason ?? '')?.[1];
  if (seconds === undefined) return;
  const since = Math.max(
    publishedAt,
    life.begunAt ?? 0,
    life.restoredAt,
    // A refusal would have ended it. One that did not ("already running") is a sign of life.
    ...mine.map(({ at }) => at),
  );
  const passed = time.now - since;
  if (passed < (Number(seconds) - 0.6) * 1000) {
    world.violated('limit too early', `${sn}: ${reason}, ${(passed / 1000).toFixed(1)} s after it was last heard of`);
  }
}
