/** Combines everything that a push needs: the manifest's devices, firmware, docks, journal, and the run itself. */
import { createFleetFeed } from '../fleet/feed.js';
import { createInventory } from '../fleet/inventory.js';
import type { HeldJournal } from '../journal/journal.js';
import type { KeptConnection, RunRecord } from '../journal/record.js';
import type { ManifestDevice, ManifestWarning } from '../manifest/model.js';
import type { RunCore } from '../upgrade/core/core.js';
import type { RunResult } from '../upgrade/end.js';
import type { FactOf } from '../upgrade/facts.js';
import { judge as judgeDevice } from '../upgrade/preflight/judge.js';
import { createPreflight } from '../upgrade/preflight/preflight.js';
import { type ReadyWatchOptions, watchReadiness } from '../upgrade/preflight/ready-watch.js';
import { push as runPush } from '../upgrade/push.js';
import { createVerification } from '../upgrade/verification.js';
import type { Connect, Context } from './context.js';
import { prepareDevices } from './firmware.js';
import {
  keepInventory,
  learnedProducts,
  learnProducts,
  modelsKnown,
  notedVersions,
  readInventory,
} from './inventory/keep.js';
import { judgeOf, type PlannedRun, plannedRun } from './plan.js';
import { coreOptionsOf, type PushSettings, usualDuration } from './push-settings.js';
import { holdLastLine } from './run/last-line.js';
import { namedBids } from './run/named-bids.js';
import { LISTEN_FOR_EARLIER } from './run/named-run.js';
import { keptServe, newRunJournal } from './run/run-journal.js';
import { nextCommand } from './run/run-state.js';
import { createServing, withoutOwnUrls } from './serving/serving.js';

/** How the docks are reached: through a broker, or simulated in this process. */
export interface WayToDocks {
  connect: Connect;
  simulated: boolean;
  /** What the journal stores of it. */
  kept: KeptConnection;
}

interface PushRequest {
  devices: readonly ManifestDevice[];
  /** Warnings about the manifest. */
  warnings?: readonly ManifestWarning[] | undefined;
  settings: PushSettings;
  way: WayToDocks;
  /** The name of the journal, and the path of the manifest (absolute, or `-`); null = the run has no journal. */
  journal: Pick<
    RunRecord,
    'run' | 'manifest' | 'manifestSha256' | 'options' | 'retryOf' | 'named' | 'fingerprint'
  > | null;
  /** For a named run: its lease, and whether nothing is known of an earlier attempt. */
  claim?: { held: HeldJournal; fresh: boolean } | undefined;
  /** Called when everything is known and nothing is published yet; false ends the run. */
  confirm?: ((planned: PlannedRun) => Promise<boolean>) | undefined;
}

/** How a push ended. */
export interface PushEnd {
  result: RunResult;
  /** The command that continues from here; null = there is nothing to do, or no journal. */
  next: string | null;
}

/** Upgrades every device and follows it to its end. */
export async function push(request: PushRequest, context: Context): Promise<PushEnd> {
  const { devices, settings, way, confirm, claim } = request;
  const { serve, verify = 'off', preflight = 'off', waitReady } = settings;
  const { clock, signal, warn, newId } = context;
  const lastLine = holdLastLine(context.emit);
  const run = request.journal?.run;
  const named = request.journal?.named;
  const about = { simulated: way.simulated, connection: way.kept, served: keptServe(serve) };
  const journal = request.journal ? newRunJournal({ ...request.journal, ...about }, context, claim?.held) : null;
  const feed = createFleetFeed(clock);
  // Simulated docks do not belong in the inventory, and neither does a program that wants no journal.
  const isKept = run !== undefined && !way.simulated;
  const inventory = isKept ? await readInventory(context) : createInventory();
  const codes = new Map<string, string>();
  const products = { ...learnedProducts(inventory), ...settings.firmware?.products };
  const serving = serve === undefined ? null : createServing(serve, devices, context);
  const read = serving ? withoutOwnUrls(devices) : devices;
  const duration = usualDuration(settings, new Set(devices.map(({ pid }) => pid)).size);
  const timeout = settings.limits?.total ?? null;
  const by = request.journal?.retryOf === undefined ? 'push' : 'retry';
  const closeInventory = isKept ? keepInventory(feed, by, context, inventory.products) : null;
  const judge: ReadyWatchOptions = {
    ...judgeOf(devices, settings, { clock, inventory, products, codes }),
    keepListening: verify !== 'off',
  };
  const modelOf = modelsKnown(feed, inventory, devices);
  try {
    const result = await runPush({
      devices,
      warnings: request.warnings,
      prepare: async (ending) => {
        // Simulated docks do not download.
        const firmware = { ...settings.firmware, products, ...(way.simulated ? { probeUrls: false } : {}) };
        const noted = { ...context, emit: journal?.noting(lastLine.emit) ?? lastLine.emit, signal: ending };
        const prepare = () => prepareDevices(read, { ...settings, firmware }, duration, noted, codes);
        return serving ? serving.serve(prepare) : prepare();
      },
      connect: way.connect,
      ...(journal
        ? {
            openLog: async (core: RunCore, leftOut: readonly FactOf<'left_out'>[]) => {
              const log = await journal.begin(core, leftOut);
              context.recorded?.();
              return log;
            },
          }
        : {}),
      core: (plan) => coreOptionsOf(settings, plan),
      timeout,
      preflight: createPreflight(
        {
          ...judge,
          ...{ preflight, signal, onWarning: warn },
          skipUnready: settings.skipUnready === true || waitReady === 0,
          waitReady: waitReady !== undefined && waitReady > 0,
        },
        feed,
      ),
      readiness: waitReady ? (plan) => watchReadiness(plan, feed, judge) : null,
      verification: {
        ...createVerification(clock, feed, verify !== 'off'),
        noted: (plan) => notedVersions(plan, inventory, judge.known, clock.wall()),
        modelOf,
      },
      ...(serving ? { downloads: serving.downloads } : {}),
      confirm: confirm
        ? (plan, left) => {
            const known = plan.devices.map((_, index) => judgeDevice(plan, index, feed, judge).version);
            return confirm(
              plannedRun(
                plan,
                left,
                known,
                plan.devices.map(({ sn }) => modelOf(sn)),
                settings,
              ),
            );
          }
        : null,
      clock,
      emit: lastLine.emit,
      signal,
      newId,
      bidOf: named === undefined ? undefined : (plan) => namedBids(named, plan),
      earlier: claim?.fresh && !way.simulated ? listening(run ?? '', context) : undefined,
      onPhase: (phase) => context.phase?.(phase),
      onView: (view) => context.view?.(view),
    });
    const complete = (await journal?.end(result)) ?? null;
    const toldOf = (sn: string) => feed.fleet.devices.get(sn)?.model ?? null;
    learnProducts(inventory, codes, result.devices, toldOf, clock.wall());
    const { simulated } = way;
    const taken = result.error?.code === 'run_taken_over';
    const none = run === undefined || complete === null || taken;
    return { result, next: none ? null : nextCommand({ run, simulated, complete, devices: result.devices }) };
  } finally {
    await serving?.close();
    await closeInventory?.();
    lastLine.release();
  }
}

/** Listens for messages of an earlier attempt at a named run, of which this machine has no journal. */
function listening(run: string, { note, warn }: Context) {
  note(`Listening ${LISTEN_FOR_EARLIER / 1000} s for an earlier attempt of run ${run}, whose journal is not here`);
  return {
    listenFor: LISTEN_FOR_EARLIER,
    onHeard(gateways: number, of: number) {
      if (gateways > 0) note(`Run ${run} is already running on ${gateways} of ${of} gateways: following it there`);
      if (gateways === of) return;
      const where = gateways === 0 ? '' : ` on ${of - gateways} of ${of} gateways`;
      warn(
        'earlier_unknown',
        `the journal of run ${run} is not here, and no upgrade of it was heard${where}: it is not known whether an earlier attempt sent one`,
      );
    },
  };
}
