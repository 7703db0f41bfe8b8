import { expect, it } from 'vitest';
import { holdLastLine } from '../../../src/app/run/last-line.js';
import type { RunEvent } from '../../../src/upgrade/events.js';

it('what goes wrong while a run is put away is told before its last line, which comes once', () => {
  const told: string[] = [];
  const line = holdLastLine(({ event }) => void told.push(event));
  line.emit({ event: 'run_finished', exit_code: 0, devices: [] } as unknown as RunEvent);
  line.emit({ event: 'warning', code: 'journal_unwritable', message: 'the disk is full' });
  expect(told).toEqual(['warning']);
  line.release();
  line.release();
  expect(told).toEqual(['warning', 'run_finished']);
});
