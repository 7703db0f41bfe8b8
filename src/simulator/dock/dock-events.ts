/** What a simulated dock receives and does, as events. */
import type { End } from './behavior.js';
import type { RequestedDevice } from './request.js';

/** One event of a simulated dock. */
export type DockEvent =
  | { event: 'request_received'; tid: string; bid: string; devices: readonly RequestedDevice[] }
  /** A message on `services` that is not an `ota_create`. */
  | { event: 'request_ignored' }
  /** `result`: 0 = accepted. */
  | { event: 'reply_sent'; bid: string; result: number }
  /** `sn`: one of several devices; null = the whole upgrade. */
  | { event: 'upgrade_ended'; bid: string; sn: string | null; end: End }
  /** During an upgrade; after one. */
  | { event: 'rebooting' | 'restarting' }
  | { event: 'back' }
  /** The obstacles to an upgrade have ended. */
  | { event: 'ready' }
  /** Of a replayed dock. */
  | { event: 'replay'; state: 'waiting' | 'answering' | 'answering_again' | 'no_answer' | 'over' };
