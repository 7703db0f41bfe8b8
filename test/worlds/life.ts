/** One process of a world: the shipped code of a command, on a machine of the world. */

import type { Connect, Context } from '../../src/app/context.js';
import { push } from '../../src/app/push.js';
import { resume } from '../../src/app/resume.js';
import { devicesAgain, toRetry } from '../../src/app/retry.js';
import { findRun } from '../../src/app/run/find-run.js';
import { claimRun, fingerprintOf } from '../../src/app/run/named-run.js';
import { tellAgain } from '../../src/app/run/run-again.js';
import { newRunId } from '../../src/app/run/run-id.js';
import { runsFolder } from '../../src/app/run/run-journal.js';
import { listRuns } from '../../src/journal/read.js';
import type { Machine } from '../../src/machine.js';
import type { Manifest } from '../../src/manifest/model.js';
import { readManifest } from '../../src/manifest/read.js';
import { type RunResult, timeLimit } from '../../src/upgrade/end.js';
import type { Life, Scene } from './scene.js';

export const HOME = '/home';
export const MANIFEST = '/home/manifest.json';

export interface LifePlace {
  scene: Scene;
  life: Life;
  machine: Machine;
  /** The run of the world's first life, if known. */
  run: string | null;
  emit: Context['emit'];
  note(text: string): void;
  signal: AbortSignal;
  abort(reason: unknown): void;
  /** How the docks are reached with the client id of a run. */
  connector(run: string, how: { resumeSession: boolean; named: boolean }): Connect;
  /** The run of this life, as soon as it is known. */
  onRun(run: string, sns?: readonly string[]): void;
}

export interface LifeEnd {
  result: RunResult;
  next: string | null;
  /** The result of a run that had ended, emitted again. */
  again?: true;
}

/** Does what the commands of src/cli/commands do, without a terminal. */
export async function live(place: LifePlace): Promise<LifeEnd> {
  const { machine, scene, signal } = place;
  const { total } = scene.settings.limits ?? {};
  const unlimited = total === undefined ? () => {} : machine.clock.after(total, () => place.abort(timeLimit(total)));
  const context: Context = {
    ...machine,
    env: { DJI_OTA_HOME: HOME },
    emit: place.emit,
    warn: (code, message) => place.emit({ event: 'warning', code, message }),
    note: place.note,
    signal,
  };
  try {
    return await commanded(place, context);
  } finally {
    unlimited();
  }
}

async function commanded(place: LifePlace, context: Context): Promise<LifeEnd> {
  const { life, scene } = place;
  if (life.command === 'resume') {
    const run = place.run === null ? await latest(context) : await findRun(place.run, context.env, context);
    return takeUp(run, place, context);
  }
  if (life.command === 'retry') {
    const earlier = await toRetry(place.run ?? undefined, false, context);
    const again = await devicesAgain(earlier, undefined, (source) => manifestOf(source, context));
    return pushAs(newRunId(context.clock.wall(), context.newId), null, again, earlier.run, place, context);
  }
  const manifest = await manifestOf(MANIFEST, context);
  if (scene.named === null) {
    return pushAs(newRunId(context.clock.wall(), context.newId), null, manifest, undefined, place, context);
  }
  const request = { name: scene.named, shard: undefined, devices: manifest.devices, simulated: false };
  const claimed = await claimRun(request, context, place.note);
  try {
    place.onRun(claimed.run);
    if (claimed.state === 'finished') {
      const { result, next } = await tellAgain(claimed.run, [], context);
      return { result, next, again: true };
    }
    if (claimed.state === 'unfinished') return await takeUp(claimed.run, place, context, claimed.held, manifest);
    return await pushAs(claimed.run, claimed, manifest, undefined, place, context);
  } finally {
    await claimed.held.lease.release();
  }
}

async function latest(context: Context): Promise<string> {
  const [run] = await listRuns(runsFolder(context.env), context);
  return run?.run ?? findRun('last', context.env, context);
}

function manifestOf(source: string, { disk }: Context): Promise<Manifest> {
  return readManifest(source, { defaultPids: [], defaultType: null, allowFileWithoutUrl: false, disk });
}

async function pushAs(
  run: string,
  claimed: Awaited<ReturnType<typeof claimRun>> | null,
  { devices, warnings }: Pick<Manifest, 'devices' | 'warnings'>,
  retryOf: string | undefined,
  place: LifePlace,
  context: Context,
): Promise<LifeEnd> {
  place.onRun(
    run,
    devices.map(({ sn }) => sn),
  );
  const named = claimed ? { named: claimed.name, fingerprint: fingerprintOf(devices) } : {};
  const fresh = claimed?.state === 'fresh';
  const { firmware, limits, ...rest } = place.scene.settings;
  return push(
    {
      devices,
      warnings,
      settings: { ...rest, firmware: { ...firmware }, limits: { ...limits } },
      way: {
        connect: place.connector(run, { resumeSession: fresh, named: claimed !== null }),
        simulated: false,
        kept: { broker: 'mqtt://broker:1883' },
      },
      journal: { run, manifest: MANIFEST, options: {}, ...(retryOf === undefined ? {} : { retryOf }), ...named },
      ...(claimed ? { claim: { held: claimed.held, fresh } } : {}),
    },
    context,
  );
}

async function takeUp(
  run: string,
  place: LifePlace,
  context: Context,
  held?: Awaited<ReturnType<typeof claimRun>>['held'],
  manifest?: Manifest,
): Promise<LifeEnd> {
  place.onRun(run);
  const { total } = place.scene.settings.limits ?? {};
  return resume(
    {
      run,
      held,
      devices: manifest?.devices,
      limits: total === undefined ? {} : { total },
      connect: async ({ named }) => place.connector(run, { resumeSession: true, named: named !== undefined }),
    },
    context,
  );
}
