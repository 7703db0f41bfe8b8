/**
 * Checks the facts of a journal, which may be damaged or written by another version. Only facts of the right shape reach the
 * tracker.
 */
import { object, type ProgressMessage } from '../protocol/messages.js';
import type { Fact } from '../upgrade/facts.js';
import { isOperator } from './check-plan.js';

type Fields = Record<string, unknown>;
type Check = (fields: Fields) => boolean;

const isText = (value: unknown) => typeof value === 'string';
const isTextOrNull = (value: unknown) => value === null || typeof value === 'string';
const isNumber = (value: unknown) => typeof value === 'number' && Number.isFinite(value);
const isNumberOrNull = (value: unknown) => value === null || isNumber(value);
const isIndex = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
const isFlag = (value: unknown) => value === undefined || typeof value === 'boolean';
const oneOf =
  (...words: string[]) =>
  (value: unknown) =>
    words.includes(value as string);

const isReply = (value: unknown) => {
  const message = object(value);
  return (
    message !== null &&
    isTextOrNull(message.method) &&
    isTextOrNull(message.tid) &&
    isTextOrNull(message.bid) &&
    isTextOrNull(message.status) &&
    isNumber(message.result)
  );
};

const isProgress = (value: unknown) => {
  const message = object(value);
  return (
    message !== null &&
    isReply(message) &&
    isTextOrNull(message.sn) &&
    isTextOrNull(message.step) &&
    isNumberOrNull(message.timestamp) &&
    isNumberOrNull(message.rate) &&
    (message.percent === null || (isNumber(message.percent) && within(message.percent as number)))
  );
};

const within = (percent: number) => percent >= 0 && percent <= 100;

const CHECKS: Readonly<Record<Fact['type'], Check>> = {
  job_opened: ({ pid, bid, tid, attempt, devices }) =>
    isText(pid) && isText(bid) && isText(tid) && isIndex(attempt) && Array.isArray(devices) && devices.every(isIndex),
  job_acknowledged: ({ bid }) => isText(bid),
  job_unsent: ({ bid, reason, withdrawn }) => isText(bid) && isText(reason) && isFlag(withdrawn),
  job_resent: ({ bid }) => isText(bid),
  reply: ({ pid, message }) => isText(pid) && isReply(message),
  progress: ({ pid, message }) => isText(pid) && isProgress(message),
  // Occurs in `watch` only, which keeps no journal.
  create_seen: () => false,
  limit: ({ device, limit, ms, proven }) =>
    isIndex(device) && oneOf('reply', 'stall', 'verify')(limit) && isNumber(ms) && isFlag(proven),
  version_reported: ({ sn, version, wall, model, noted }) =>
    isText(sn) && isText(version) && isNumber(wall ?? 0) && isText(model ?? '') && isFlag(noted),
  model_reported: ({ sn, model }) => isText(sn) && isText(model),
  state_reported: ({ sn, key, value }) =>
    isText(sn) && oneOf('compatible_status', 'psdk_version')(key) && isText(value),
  left_out: ({ device, outcome, reason, unready, late }) =>
    isIndex(device) && oneOf('skipped', 'not_started')(outcome) && isText(reason) && isFlag(unready) && isFlag(late),
  gateway_waiting: ({ pid, reason }) => isText(pid) && isText(reason),
  gateway_ready: ({ pid }) => isText(pid),
  wait_passed: ({ pid, ms }) => isText(pid) && isNumber(ms),
  retry_given_up: ({ device }) => isIndex(device),
  broker_lost: ({ reason }) => isText(reason),
  broker_restored: ({ sessionPresent }) => typeof sessionPresent === 'boolean',
  stop_requested: ({ reason }) => isText(reason),
  cut_off: ({ cause, reason }) => oneOf('timeout', 'interrupted', 'broker_lost')(cause) && isText(reason),
  resumed: ({ reopened, by }) => isFlag(reopened) && (by === undefined || isOperator(object(by))),
};

/** The fact in a parsed line, with its wall time in `at`; null = not a fact. */
export function factOf(record: Fields): Fact | null {
  const { type } = record;
  if (!isNumber(record.time) || typeof type !== 'string' || !Object.hasOwn(CHECKS, type)) return null;
  if (!CHECKS[type as Fact['type']](record)) return null;
  const at = record.time as number;
  // Nearly all facts are progress: avoid the copy of each key.
  if (type === 'progress') {
    return { type, at, pid: record.pid as string, message: record.message as ProgressMessage };
  }
  const { time: _time, n: _n, crc: _crc, ...rest } = record;
  return { ...rest, type, at } as unknown as Fact;
}
