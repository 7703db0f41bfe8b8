/** The messages of simulated docks, in each of the forms of PROTOCOL "Envelope" and "ota_progress". */
import type { Behavior } from './behavior.js';

/** A message on a topic. */
export interface DockMessage {
  topic: string;
  payload: string | Uint8Array;
  /** Telemetry uses QoS 0, because it is repeated. */
  qos: 0 | 1;
  retain: boolean;
}

interface Ids {
  tid: string;
  bid: string;
  /** Milliseconds since 1970. */
  timestamp: number;
  /** The gateway. */
  pid: string;
}

/** The progress in an event. */
export interface Progress {
  status: string;
  percent: number;
  step: string;
  result: number;
  /** Bytes per second; null = not reported. */
  rate: number | null;
  /** The device that the event concerns; null = all devices of the job. */
  sn: string | null;
}

/** A `services_reply` to an `ota_create`. A refusal has only the code. */
export function replyPayload(ids: Ids, result: number, behavior: Behavior): string {
  const data = result === 0 ? { result, ...wrap(behavior, { status: 'in_progress' }) } : { result };
  return JSON.stringify({
    ...(behavior.method && { method: 'ota_create' }),
    bid: ids.bid,
    tid: ids.tid,
    ...stamp(ids, behavior),
    ...(behavior.gateway && { gateway: ids.pid }),
    data,
  });
}

/** An `ota_progress` event. */
export function progressPayload(ids: Ids, progress: Progress, behavior: Behavior): string {
  const output = {
    status: progress.status,
    ...(progress.sn !== null && { sn: progress.sn }),
    ...(behavior.rate && progress.rate !== null && { ext: { rate: progress.rate } }),
    progress: { percent: progress.percent, ...stepOf(progress.step, behavior) },
  };
  return JSON.stringify({
    ...(behavior.method && { method: 'ota_progress' }),
    ...(behavior.bid === 'own' && { bid: ids.bid }),
    tid: ids.tid,
    ...stamp(ids, behavior),
    ...(behavior.need_reply && { need_reply: 1 }),
    ...(behavior.gateway && { gateway: ids.pid }),
    data: { result: progress.result, ...wrap(behavior, output) },
  });
}

// An event without a method is recognized only by its `output`, so it is never flat.
function wrap(behavior: Behavior, output: object): object {
  return behavior.output === 'flat' && behavior.method ? output : { output };
}

function stamp(ids: Ids, behavior: Behavior): object {
  if (behavior.timestamp === 'string') return { timestamp: String(ids.timestamp) };
  if (behavior.timestamp === 'stray_colon') return { 'timestamp:': ids.timestamp };
  return behavior.timestamp === 'none' ? {} : { timestamp: ids.timestamp };
}

function stepOf(step: string, behavior: Behavior): object {
  if (behavior.step_form === 'step_key') return { step_key: step };
  if (behavior.step_form === 'word') return { current_step: step };
  return { current_step: step === 'download_firmware' ? 1 : step === 'upgrade_firmware' ? 2 : 9 };
}
