/** Checks the first two lines and the last line of a journal, which may come from another version. */
import { object } from '../protocol/messages.js';
import { serialProblem } from '../protocol/topics.js';
import { UPGRADE_TYPES } from '../protocol/upgrade-types.js';
import { OUTCOMES, type Totals } from '../upgrade/events.js';
import type { FinishedRecord, PlanRecord, RunRecord } from './record.js';
import { isRunName } from './run-name.js';

type Fields = Record<string, unknown>;

/** The latest time that a Date can hold. */
const LATEST = 8.64e15;

const isText = (value: unknown) => typeof value === 'string';
const isTextOrAbsent = (value: unknown) => value === undefined || isText(value);
const isLength = (value: unknown) => typeof value === 'number' && Number.isFinite(value) && value >= 0;
const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
const orNull = (check: (value: unknown) => boolean) => (value: unknown) => value === null || check(value);

/** Checks the first line; null = not a run record. */
export function runRecord(fields: Fields): RunRecord | null {
  const { kind, schema, run, time, manifest, devices, gateways, simulated, connection } = fields;
  const good =
    kind === 'run' &&
    isCount(schema) &&
    isText(run) &&
    isRunName(run as string) &&
    isLength(time) &&
    (time as number) <= LATEST &&
    isText(manifest) &&
    isCount(devices) &&
    isCount(gateways) &&
    typeof simulated === 'boolean' &&
    isConnection(object(connection)) &&
    (fields.options === undefined || object(fields.options) !== null) &&
    isTextOrAbsent(fields.named) &&
    isTextOrAbsent(fields.fingerprint) &&
    isTextOrAbsent(fields.manifestSha256) &&
    (fields.by === undefined || isOperator(object(fields.by))) &&
    (fields.retryOf === undefined || (isText(fields.retryOf) && isRunName(fields.retryOf as string)));
  return good ? (fields as unknown as RunRecord) : null;
}

/** Whether `of` names who began a run, as {@link RunRecord.by} does. */
export function isOperator(of: Fields | null): boolean {
  return of !== null && orNull(isText)(of.user) && orNull(isText)(of.host) && isText(of.version);
}

function isConnection(of: Fields | null): boolean {
  const { insecure = false, ...texts } = of ?? {};
  return of !== null && typeof insecure === 'boolean' && Object.values(texts).every(isText);
}

/** Checks the second line; null = not a plan record. */
export function planRecord(fields: Fields): PlanRecord | null {
  const options = object(fields.options);
  const { tracker, rollout, limits } = options ?? {};
  const good =
    fields.kind === 'plan' &&
    isTracker(object(tracker)) &&
    isRollout(object(rollout)) &&
    isLimits(object(limits)) &&
    (options?.judge === undefined || isJudge(object(options.judge))) &&
    Array.isArray(fields.devices) &&
    fields.devices.every((device) => isDevice(object(device))) &&
    (fields.packages === undefined || Object.values(object(fields.packages) ?? { bad: null }).every(isPackage));
  return good ? (fields as unknown as PlanRecord) : null;
}

function isPackage(value: unknown): boolean {
  const of = object(value);
  return of !== null && orNull(isText)(of.product) && orNull(isText)(of.sha256);
}

/** Checks the last line; null = not a finished record. */
export function finishedRecord(fields: Fields): FinishedRecord | null {
  const totals = object(fields.totals);
  const good =
    fields.kind === 'finished' &&
    isLength(fields.time) &&
    isCount(fields.exit_code) &&
    typeof fields.complete === 'boolean' &&
    OUTCOMES.every((outcome) => isCount(totals?.[outcome]));
  if (!good) return null;
  // Earlier versions counted unverified devices as `ok`.
  return { ...(fields as unknown as FinishedRecord), totals: { unverified: 0, ...totals } as Totals };
}

function isTracker(of: Fields | null): boolean {
  return (
    of !== null &&
    (of.match === 'bid' || of.match === 'gateway') &&
    isCount(of.retries) &&
    ['off', 'report', 'require'].includes(of.verify as string) &&
    of.adopt === 'none'
  );
}

function isRollout(of: Fields | null): boolean {
  const limit = object(of?.maxFailures);
  return (
    of !== null &&
    orNull(isCount)(of.concurrency) &&
    Array.isArray(of.waves) &&
    of.waves.every(isCount) &&
    isLength(of.wavePause) &&
    isLength(of.retryWait) &&
    orNull(isLength)(of.waitReady ?? null) &&
    (of.maxFailures === null || isLength(limit?.devices) || isLength(limit?.percent))
  );
}

function isJudge(of: Fields | null): boolean {
  return typeof of?.skipCurrent === 'boolean' && Array.isArray(of.allow) && of.allow.every(isText);
}

function isLimits(of: Fields | null): boolean {
  return of !== null && isLength(of.reply) && isLength(of.stall) && isLength(of.verify);
}

function isDevice(of: Fields | null): boolean {
  const file = object(of?.file);
  return (
    of !== null &&
    isText(of.sn) &&
    isText(of.pid) &&
    serialProblem(of.pid as string) === null &&
    isText(of.product_version) &&
    Object.hasOwn(UPGRADE_TYPES, String(of.firmware_upgrade_type)) &&
    (of.labels === undefined || Object.values(object(of.labels) ?? { bad: null }).every(isText)) &&
    (of.file === null ||
      (file !== null &&
        orNull(isText)(file.file_url) &&
        isText(file.file_url_sha256) &&
        isText(file.md5) &&
        isCount(file.file_size) &&
        isText(file.file_name)))
  );
}
