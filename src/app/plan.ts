/** Plans a push: does everything except connecting and publishing. */
import { parseServeAddress, serveBase } from '../firmware/serve/address.js';
import { createInventory, type Inventory } from '../fleet/inventory.js';
import { INFORMS_FOR, type KnownVersion, notedVersion } from '../fleet/noted.js';
import type { ManifestDevice } from '../manifest/model.js';
import { otaCreate } from '../protocol/messages.js';
import { topicOf } from '../protocol/topics.js';
import { makePlan, otaDeviceOf, type Plan, type PlannedDevice, type PlannedGateway } from '../upgrade/plan/plan.js';
import type { JudgeOptions } from '../upgrade/preflight/judge.js';
import { judgePlan } from '../upgrade/preflight/preflight.js';
import type { LeftOut } from '../upgrade/push.js';
import type { Context } from './context.js';
import { prepareDevices } from './firmware.js';
import { learnedProducts, modelsKnown } from './inventory/keep.js';
import { coreOptionsOf, type PushSettings, usualDuration } from './push-settings.js';
import { type ServeSettings, withoutOwnUrls } from './serving/serving.js';

/** A message that would be published. Its ids and timestamp are examples. */
interface PlannedRequest {
  /** The index of its gateway in the plan. */
  gateway: number;
  topic: string;
  /** JSON. */
  request: string;
}

/** What a push would do, as far as the docks (if they are asked), the manifest and the inventory show. */
export interface PlannedRun {
  /** Without the devices that are left out. */
  plan: Plan;
  /** The wave of each gateway, from 1. */
  waves: number[];
  left: LeftOut[];
  /**
   * The last known version of each device, from itself, the manifest or the inventory; null = not known, or older than 30 days.
   */
  known: (KnownVersion | null)[];
  /** The model of each device, as `model_reported` has it; null = not known. */
  models: (string | null)[];
}

/** Plans a push: reads the firmware, and sends a request to each URL as a dock would. @throws OtaError as `push` does */
export async function planPush(
  devices: readonly ManifestDevice[],
  settings: PushSettings,
  context: Context,
  inventory: Inventory = createInventory(),
): Promise<PlannedRun> {
  const { serve } = settings;
  const wanted = serve ? withoutOwnUrls(devices) : devices;
  const duration = usualDuration(settings, new Set(devices.map(({ pid }) => pid)).size);
  const codes = new Map<string, string>();
  const products = { ...learnedProducts(inventory), ...settings.firmware?.products };
  const read = await prepareDevices(wanted, settings, duration, context, codes);
  const plan = makePlan(serve ? withServedUrls(read, devices, serve) : read);
  const judge = judgeOf(devices, settings, { clock: context.clock, inventory, products, codes });
  const left = judgePlan(plan, { ...judge, onWarning: context.warn });
  const known = plan.devices.map(({ sn }) =>
    notedVersion(inventory, sn, judge.known.get(sn) ?? null, context.clock.wall(), INFORMS_FOR),
  );
  const modelOf = modelsKnown(null, inventory, devices);
  const models = plan.devices.map(({ sn }) => modelOf(sn));
  return plannedRun(plan, left, known, models, settings);
}

/** What remains of `plan` without the devices in `left`. `known`, `models`: for each device, in the plan's order. */
export function plannedRun(
  plan: Plan,
  left: LeftOut[],
  known: (KnownVersion | null)[],
  models: (string | null)[],
  settings: PushSettings,
): PlannedRun {
  return { ...withoutLeft(plan, wavesOf(plan, settings), left), left, known, models };
}

/** The options for judging devices before their upgrade. `codes`: the product codes of their packages. */
export function judgeOf(
  devices: readonly Pick<ManifestDevice, 'sn' | 'known'>[],
  { skipCurrent = false, allow }: PushSettings,
  { codes, ...more }: Pick<JudgeOptions, 'clock' | 'inventory' | 'products'> & { codes: ReadonlyMap<string, string> },
): JudgeOptions {
  return {
    ...more,
    skipCurrent,
    allow: new Set(allow),
    known: new Map(devices.flatMap(({ sn, known }) => (known ? [[sn, known] as const] : []))),
    productOf: (sn) => codes.get(sn) ?? null,
  };
}

function withoutLeft(
  plan: Plan,
  waves: readonly number[],
  left: readonly LeftOut[],
): Pick<PlannedRun, 'plan' | 'waves'> {
  const out = new Set(left.map(({ device }) => device));
  const rest = plan.gateways.map(({ pid, jobs }, index) => ({
    wave: waves[index] ?? 1,
    gateway: { pid, jobs: jobs.map((job) => job.filter((one) => !out.has(one))).filter((job) => job.length > 0) },
  }));
  const open = rest.filter(({ gateway }) => gateway.jobs.length > 0);
  return { plan: { ...plan, gateways: open.map(({ gateway }) => gateway) }, waves: open.map(({ wave }) => wave) };
}

/** The wave of each gateway, from 1. */
function wavesOf(plan: Plan, settings: PushSettings): number[] {
  const { waves } = coreOptionsOf(settings, plan).rollout;
  return plan.gateways.map((_, index) => {
    const wave = waves.findIndex((end) => index < end);
    return wave < 0 ? 1 : wave + 1;
  });
}

/** The messages that would be published, with new ids. */
export function* requestsOf(
  { gateways, devices }: Plan,
  { clock, newId }: Pick<Context, 'clock' | 'newId'>,
): Generator<PlannedRequest> {
  for (let gateway = 0; gateway < gateways.length; gateway++) {
    const { pid, jobs } = gateways[gateway] as PlannedGateway;
    const topic = topicOf('services', pid);
    for (const job of jobs) {
      const ids = { bid: newId(), tid: newId(), timestamp: clock.wall() };
      const request = otaCreate(
        ids,
        job.map((device) => otaDeviceOf(devices[device] as PlannedDevice)),
      );
      yield { gateway, topic, request };
    }
  }
}

/** The devices with the URLs of `--serve`. Their secret part is made when the run begins, so it is a placeholder here. */
function withServedUrls(
  planned: readonly PlannedDevice[],
  devices: readonly ManifestDevice[],
  { address, url }: ServeSettings,
): PlannedDevice[] {
  const base = serveBase(parseServeAddress(address), url);
  return planned.map((device, index) => {
    if (!device.file || devices[index]?.file === null) return device;
    const { file_name, file_size, md5 } = device.file;
    const file_url = `${base}/made-at-run-time/${encodeURIComponent(file_name)}`;
    return { ...device, file: { file_url, md5, file_size, file_name } };
  });
}
