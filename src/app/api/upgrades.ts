/** The functions for runs: push, watch, resume, and plan. */
import path from 'node:path';
import { knownJobs } from '../../journal/known-jobs.js';
import type { ManifestDevice } from '../../manifest/model.js';
import { clientIdOf } from '../../settings/connection/load-connection.js';
import { SESSION_EXPIRY } from '../connect.js';
import { planPush, requestsOf } from '../plan.js';
import { push as runPush } from '../push.js';
import { latestUnfinished, resume as runResume } from '../resume.js';
import { checkedId, newRunId } from '../run/run-id.js';
import { runsFolder } from '../run/run-journal.js';
import { watch as runWatch } from '../watch.js';
import { connectFunction } from './broker.js';
import { readDevices } from './reads.js';
import type { PlanRequest, PushRequest, ResumeRequest, WatchRequest } from './requests.js';
import { type Run, startRun } from './run.js';
import { asked, guarded, worldOf } from './world.js';

/**
 * Upgrades the devices of a manifest and follows each to its end, as `dji-ota push` does. Prints nothing, ends no process and
 * listens to no signal.
 *
 * @example
 * const run = push({ manifest: 'manifest.json', broker: { url: 'mqtt://localhost' } });
 * for await (const event of run) console.log(event);
 * const { exit_code, devices } = await run.result;
 */
export function push(request: PushRequest): Run {
  const world = worldOf(request);
  const id = newRunId(world.clock.wall(), world.newId);
  return startRun({ id: () => id, world, signal: request?.signal }, async ({ context, fail }) => {
    (await import('./check-request.js')).checkRequest('push', request);
    const { devices, warnings } = await readDevices(request, request.serve !== undefined);
    const { home, broker, manifest } = request;
    // A run with a journal can be resumed, so its broker session outlives this program.
    const session = home === undefined ? {} : { sessionExpiry: SESSION_EXPIRY, clientId: clientIdOf(id) };
    const { result } = await runPush(
      {
        devices,
        warnings,
        settings: request,
        way: { connect: connectFunction(broker, fail, session), simulated: false, kept: {} },
        journal: home === undefined ? null : { run: id, manifest: keptPath(manifest) },
      },
      { ...context, reading: guarded(request.onReading, fail) },
    );
    return result;
  });
}

/** The path to store in the journal. A manifest in memory has none. */
function keptPath(manifest: PushRequest['manifest']): string {
  return typeof manifest === 'string' ? path.resolve(manifest) : '-';
}

/** What a push would publish, as plain JSON. The `bid`, `tid` and `timestamp` of its messages are examples. */
export interface PlannedPush {
  devices: readonly ManifestDevice[];
  gateways: { pid: string; wave: number; jobs: { topic: string; message: Record<string, unknown> }[] }[];
}

/** Reads the firmware and plans a push, without connecting or publishing. Rejects with the errors of `push`. */
export function plan(request: PlanRequest): Promise<PlannedPush> {
  return asked('plan', request, request?.signal, async ({ context, fail }) => {
    const { devices } = await readDevices(request, request.serve !== undefined);
    const reading = guarded(request.onReading, fail);
    const { plan, waves } = await planPush(devices, request, { ...context, reading });
    const gateways = plan.gateways.map(({ pid }, index): PlannedPush['gateways'][number] => {
      return { pid, wave: waves[index] ?? 1, jobs: [] };
    });
    for (const { gateway, topic, request } of requestsOf(plan, context)) {
      gateways[gateway]?.jobs.push({ topic, message: JSON.parse(request) as Record<string, unknown> });
    }
    return { devices, gateways };
  });
}

/** Follows upgrades that another program started, like `dji-ota watch`. Publishes and prints nothing. */
export function watch(request: WatchRequest): Run {
  const world = worldOf(request);
  const id = newRunId(world.clock.wall(), world.newId);
  return startRun({ id: () => id, world, signal: request?.signal }, async ({ context, fail }) => {
    (await import('./check-request.js')).checkRequest('watch', request);
    const { pids, bids, follow, limits, home } = request;
    return runWatch(
      {
        pids: [...new Set([pids].flat())],
        bids,
        follow,
        limits,
        connect: connectFunction(request.broker, fail),
        inventory: home !== undefined,
        devicesOf: home === undefined ? undefined : knownJobs(runsFolder(world.env), world.clock, world.disk),
      },
      context,
    );
  });
}

/**
 * Resumes an interrupted push from its journal in `home`, like `dji-ota resume`: publishes the jobs that were not sent, and
 * never sends a job again that may have been sent.
 */
export function resume(request: ResumeRequest): Run {
  const world = worldOf(request);
  let id = request?.run ?? '';
  return startRun({ id: () => id, world, signal: request?.signal }, async ({ context, fail }) => {
    (await import('./check-request.js')).checkRequest('resume', request);
    const { republishUncertain = false, manifest, limits, broker } = request;
    id = checkedId(request.run ?? (await latestUnfinished(world.env, republishUncertain, world)));
    const session = { sessionExpiry: SESSION_EXPIRY, resumeSession: true, clientId: clientIdOf(id) };
    const { result } = await runResume(
      {
        run: id,
        connect: async () => connectFunction(broker, fail, session),
        manifest,
        republishUncertain,
        limits,
      },
      context,
    );
    return result;
  });
}
