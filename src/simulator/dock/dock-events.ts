/** What a simulated dock was asked and does, as it happens. */
import type { End } from './behavior.js';
import type { RequestedDevice } from './request.js';

export type DockEvent =
  | { event: 'request_received'; tid: string; bid: string; devices: readonly RequestedDevice[] }
  /** A message on `services` that is no `ota_create`. */
  | { event: 'request_ignored' }
  /** `result`: 0 = accepted. */
  | { event: 'reply_sent'; bid: string; result: number }
  /** `sn`: one device of several; null = the whole upgrade. */
  | { event: 'upgrade_ended'; bid: string; sn: string | null; end: End }
  /** In the middle of an upgrade; after one. */
  | { event: 'rebooting' | 'restarting' }
  | { event: 'back' }
  /** What stood in the way of upgrades is over. */
  | { event: 'ready' }
  /** Of a recorded dock. */
  | { event: 'replay'; state: 'waiting' | 'answering' | 'answering_again' | 'no_answer' | 'over' };
