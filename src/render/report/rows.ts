/** The data of each device during a run: well under a kilobyte, whatever the device sends. */
import type { DeviceOutcome, RunEvent } from '../../upgrade/events.js';
import type { PhaseKind } from './model.js';
import type { PhaseTrack } from './phases.js';

/** One device during the run. Times are milliseconds since the start of the run. */
interface Row {
  phases: PhaseTrack;
  bids: string[];
  attempts: number;
  retried: number[];
  started: number | null;
  heard: number;
  ended: number | null;
  outcome: DeviceOutcome | null;
}

/** By {@link keyOf}. */
export type Rows = Map<string, Row>;

/** The row of a device of which nothing is known yet. */
export function newRow(): Row {
  return { phases: [], bids: [], attempts: 0, retried: [], started: null, heard: 0, ended: null, outcome: null };
}

/** The row of a device, created if necessary. In `watch`, a device that is upgraded again after its end gets a new row. */
export function rowOf(rows: Rows, pid: string, sn: string | null, bid: string | null): Row {
  for (let turn = 0; ; turn++) {
    const key = keyOf(pid, sn, turn);
    const row = rows.get(key);
    if (!row) {
      const fresh = newRow();
      rows.set(key, fresh);
      return fresh;
    }
    const known = row.bids.length === 0 || bid === null || row.bids.includes(bid);
    if (known || (sn !== null && row.ended === null)) return row;
  }
}

/** The attempt has ended, and another one follows. */
export function retryRow(row: Row, result: number): void {
  if (row.retried.length < MOST_BIDS) row.retried.push(result);
}

/** The first message of the device, or of a new attempt. */
export function startRow(row: Row, bid: string | null, at: number): void {
  row.started ??= at;
  if (bid !== null && row.bids.length < MOST_BIDS && !row.bids.includes(bid)) row.bids.push(bid);
  row.attempts = Math.max(row.attempts, 1);
}

// More attempts than anyone configures.
const MOST_BIDS = 100;

/** The key of a row. `turn`: 0, and higher for each further upgrade of the same device. */
export function keyOf(pid: string, sn: string | null, turn: number): string {
  const key = sn ?? `\n${pid}`;
  return turn === 0 ? key : `${key}\n${turn}`;
}

/** What a device is doing, by its own report. */
export function kindOfProgress(event: Extract<RunEvent, { event: 'device_progress' }>): PhaseKind {
  const { status, step_key } = event;
  if (status === 'paused') return 'paused';
  // Reported as progress while the version is still to be verified.
  if (status === 'ok') return 'verifying';
  if (step_key === 'download_firmware') return 'download';
  if (step_key === 'upgrade_firmware') return 'upgrade';
  return status === 'sent' ? 'waiting' : 'running';
}
