/** Applies one message to one device, by the rules of PROTOCOL "ota_progress". It changes nothing but that device. */
import type { ProgressMessage } from '../../protocol/messages.js';
import { resultCode } from '../../protocol/result-codes.js';
import { isTerminal, type TerminalStatus } from '../../protocol/statuses.js';
import type { DeviceState } from './state.js';

/**
 * Milliseconds. An event whose timestamp is older than the newest one by at most this much is late; by more, the clock was set.
 */
const LATE_MS = 5 * 60_000;

/**
 * The status that a message means: a success with an error code is a failure, as is an error code without a status. A code
 * beside a status that is not terminal does not end the device, because the device says that it goes on.
 */
function statusOf(message: { status: string | null; result: number }): string | null {
  if (message.status === 'ok' && message.result !== 0) return 'failed';
  if (message.status === null && message.result !== 0) return 'failed';
  return message.status;
}

/** The terminal status that a message means, if it means one. */
export function terminalOf(message: { status: string | null; result: number }): TerminalStatus | null {
  const status = statusOf(message);
  return status !== null && isTerminal(status) ? status : null;
}

/** The meaning of a result code; null for 0 and for no code. */
export function reasonOf(result: number | null): string | null {
  return result ? resultCode(result).meaning : null;
}

/** Whether an event with `timestamp` was sent before one with `newest`, and the gateway's clock was not set in between. */
export function isLate(timestamp: number, newest: number): boolean {
  return timestamp < newest && newest - timestamp <= LATE_MS;
}

/**
 * Applies a progress message to `device`, which has not ended.
 * @returns its terminal status, if it has one; otherwise `changed` if something visible changed, else `same`.
 */
export function takeProgress(
  device: DeviceState,
  message: ProgressMessage,
  at: number,
): TerminalStatus | 'changed' | 'same' {
  device.heardAt = at;
  const status = statusOf(message);
  const terminal = terminalOf(message);
  const late = message.timestamp !== null && device.timestamp !== null && isLate(message.timestamp, device.timestamp);
  if (late && !terminal) return 'same';
  if (message.timestamp !== null) device.timestamp = message.timestamp;

  const before = { status: device.status, percent: device.percent, step: device.step, result: device.result };
  const step = message.step ?? device.step;
  if (step !== device.step) device.percent = message.percent;
  else if (message.percent !== null) device.percent = Math.max(device.percent ?? 0, message.percent);
  device.step = step;
  device.status = status ?? device.status ?? 'in_progress';
  device.rate = message.rate;
  device.result = message.result;
  if (terminal === 'ok') device.percent = 100;
  if (terminal) return terminal;
  const same =
    before.status === device.status &&
    before.percent === device.percent &&
    before.step === device.step &&
    before.result === device.result;
  return same ? 'same' : 'changed';
}
