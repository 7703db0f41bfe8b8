/** Checks what must hold when a run publishes: recorded first, never twice, within its limits. */
import { createdBid } from '../../src/protocol/messages.js';
import { resultCode } from '../../src/protocol/result-codes.js';
import { parseTopic } from '../../src/protocol/topics.js';
import { hasFailed } from '../../src/upgrade/counting.js';
import { parseWaves } from '../../src/upgrade/rollout/options.js';
import { type Job, jobsOf, type LifeFacts, type RunFacts, runOf, type World } from './facts.js';
import { HOME } from './life.js';

export function checkPublish(world: World, life: LifeFacts, topic: string, payload: string) {
  const { time } = world;
  const parsed = parseTopic(topic);
  const run = runOf(world, life.run ?? '');
  const bid = createdBid(payload);
  if (parsed?.kind === 'events_reply') {
    if (bid !== null && !run.jobs.has(bid)) world.violated('answers others', `an answer to ${bid} on ${topic}`);
    return;
  }
  if (parsed?.kind !== 'services' || bid === null) return world.violated('publishes else', `a message on ${topic}`);
  const pid = parsed.serial;
  const { devices } = (JSON.parse(payload) as { data: { devices: { sn: string }[] } }).data;
  const sns = devices.map(({ sn }) => sn);
  if (!world.disk.durable(`${HOME}/state/runs/${run.id}.jsonl`).includes(`"bid":"${bid}"`)) {
    world.violated('published before recorded', `${bid} for ${sns.join(', ')} is not on the disk yet`);
  }
  const earlier = run.jobs.get(bid);
  if (earlier) {
    // Again under its own id: only if its journal was lost with the power.
    if (world.powerCuts.length === 0) world.violated('published twice', `${bid} for ${sns.join(', ')}`);
    return;
  }
  const later = world.lives.find(
    (other) => other.run === run.id && (other.begunAt ?? 0) > (life.begunAt ?? 0) && other !== life,
  );
  if (later)
    world.violated('published by two', `process ${life.pid} publishes, and process ${later.pid} has taken the run up`);
  checkWhole(world, run, pid, sns);
  checkReady(world, life, pid, bid);
  for (const sn of sns) checkSecond(world, run, sn, pid);
  checkLimits(world, run, life, pid, bid);
  const job: Job = { bid, pid, sns, at: time.now, life, taken: false };
  run.jobs.set(bid, job);
  for (const sn of sns) {
    const standing = run.devices.get(sn);
    if (!standing) world.violated('publishes else', `${sn} is not in the manifest`);
    else Object.assign(standing, { state: 'open', status: null, late: null, life, at: time.now, job });
  }
}

/** A job is published completely: dock and aircraft together. */
function checkWhole({ scene, violated }: World, run: RunFacts, pid: string, sns: readonly string[]) {
  const states = (of: readonly string[]) => of.map((sn) => run.devices.get(sn)?.state);
  const job = jobsOf(
    scene.devices.filter(({ sn }) => run.devices.has(sn)),
    pid,
  ).find((each) => each.includes(sns[0] ?? ''));
  if (!job) return violated('publishes else', `${sns.join(', ')} on ${pid}`);
  const again = states(sns).includes('retry');
  const expected = job.filter((sn) => run.devices.get(sn)?.state === (again ? 'retry' : 'waiting'));
  const { waitReady, allow } = scene.settings;
  // One of a pair may be ready before the other, where that is allowed.
  const apart = waitReady !== undefined && allow?.includes('split-pair') && sns.every((sn) => expected.includes(sn));
  if (expected.join() !== sns.join() && !apart) {
    violated(
      'half a job',
      `${sns.join(', ')} on ${pid}, where ${expected.join(', ')} belong together (${states(job)})`,
    );
  }
}

/** Who waits for docks to become ready starts none that told it that it is not. */
function checkReady({ scene, violated, claimedAt }: World, { modes }: LifeFacts, pid: string, bid: string): void {
  const told = modes.get(pid);
  if (scene.settings.waitReady === undefined || !told || told.mode === 0 || told.at >= (claimedAt.get(bid) ?? 0))
    return;
  violated('started unready', `${pid} is started, and had told mode ${told.mode}`);
}

/** A second id for a device only where a retry was asked for and its dock has said that the one before ended badly. */
function checkSecond(world: World, run: RunFacts, sn: string, pid: string): void {
  const standing = run.devices.get(sn);
  const before = standing?.job;
  if (!standing || !before) return;
  const dock = world.docks.get(pid);
  const retries = world.scene.settings.rollout?.retries ?? 0;
  const attempts = [...run.jobs.values()].filter((job) => job.sns.includes(sn)).length;
  const codes = (dock?.lastWords ?? [])
    .filter((said) => said.at >= before.at && (said.bid === before.bid || said.bid === null) && (said.sn ?? sn) === sn)
    .map(({ result }) => result);
  const refusal = dock?.refusals.get(before.bid);
  if (refusal !== undefined) codes.push(refusal);
  const asked = codes.some((code) => resultCode(code).retry);
  // With --match gateway, any message on the gateway counts.
  const heard = asked || world.scene.settings.match === 'gateway';
  if (standing.state !== 'retry' || attempts > retries || !heard) {
    world.violated(
      'second id',
      `${sn} was sent under ${before.bid.slice(0, 8)} and now again (${standing.state}, attempt ${attempts + 1} of ${retries + 1}, the dock said ${codes.join(', ') || 'nothing'})`,
    );
  }
}

function openGateways(run: RunFacts): Set<string> {
  return new Set([...run.devices.values()].flatMap(({ state, job }) => (state === 'open' && job ? job.pid : [])));
}

function checkLimits(world: World, run: RunFacts, life: LifeFacts, pid: string, bid: string): void {
  const { scene, time } = world;
  const { concurrency, waves, wavePause = 0, maxFailures } = scene.settings.rollout ?? {};
  const open = openGateways(run);
  if (open.has(pid)) world.violated('two jobs at once', `${pid} is upgrading`);
  open.add(pid);
  if (concurrency !== undefined && open.size > concurrency) {
    world.violated('concurrency', `${open.size} gateways at once: ${[...open].join(', ')}`);
  }
  const retry = [...run.devices.values()].some(({ state, job }) => state === 'retry' && job?.pid === pid);
  if (run.stopped && !retry)
    world.violated('started after a stop', `${pid}, although the run was to start nothing more`);
  if (maxFailures && 'devices' in maxFailures) {
    const bad = life.events.filter(
      ({ event }) => event.event === 'device_finished' && (hasFailed(event) || event.status === 'unknown'),
    );
    const limit = bad[maxFailures.devices - 1];
    if (limit && limit.at < (world.claimedAt.get(bid) ?? 0) && !retry) {
      world.violated(
        'failure limit',
        `${pid} is started after ${bad.length} bad ends, of which ${maxFailures.devices} are allowed`,
      );
    }
  }
  if (waves === undefined) return;
  const gateways = [...new Set(scene.devices.filter(({ sn }) => run.devices.has(sn)).map((device) => device.pid))];
  const left = [...run.devices.values()].some(({ state, job }) => state === 'ended' && job === null);
  if (left || gateways.length < 2) return;
  let ends: number[];
  try {
    ends = parseWaves(waves, gateways.length);
  } catch {
    return;
  }
  const wave = ends.findIndex((end) => gateways.indexOf(pid) < end);
  const first = wave === 0 ? 0 : (ends[wave - 1] ?? 0);
  for (const other of gateways.slice(0, first)) {
    const standings = scene.devices.filter((device) => device.pid === other).map(({ sn }) => run.devices.get(sn));
    const unfinished = standings.find((standing) => standing?.state !== 'ended');
    if (unfinished)
      world.violated('wave begun early', `${pid} of wave ${wave + 1}, and ${other} of an earlier one has not ended`);
    const endedAt = Math.max(...standings.map((standing) => standing?.at ?? 0));
    if (!unfinished && standings.every((standing) => standing?.life === life) && time.now - endedAt < wavePause - 2) {
      world.violated(
        'wave pause',
        `${pid} of wave ${wave + 1} is started ${Math.round(time.now - endedAt)} ms after ${other}, not ${wavePause}`,
      );
    }
    const bad = standings.find((standing) => !['ok', 'skipped'].includes(standing?.late ?? standing?.status ?? ''));
    if (bad && !maxFailures && !unfinished)
      world.violated('wave after a bad one', `${pid} of wave ${wave + 1} after ${other} ended ${bad.status}`);
  }
}
