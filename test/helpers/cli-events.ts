/** Checks the output of `--output json` against the contract. */
import { expect } from 'vitest';
import { type EventLine, eventLineSchema } from '../../src/cli/commands/schema/events.js';
import type { CliResult } from './cli.js';

// Copied by hand from the contract, and deliberately not derived from the program's own types.
const VERSIONS = ['version_before', 'version_after', 'heard_at'];
const KEYS: Record<string, string[]> = {
  run_started: ['command', 'devices', 'gateways'],
  firmware_ready: ['file_name', 'file_size', 'md5', 'sha256', 'source', 'devices', 'package', 'product', 'modules'],
  job_planned: ['pid', 'wave', 'topic', 'message'],
  job_published: ['pid', 'bid', 'tid', 'devices', 'attempt'],
  job_replied: ['pid', 'bid', 'result', 'status'],
  device_progress: ['pid', 'bid', 'sn', 'status', 'percent', 'step_key', 'rate'],
  device_retrying: ['pid', 'sn', 'bid', 'result', 'attempt', 'attempts', 'wait_ms'],
  device_finished: ['pid', 'bid', 'sn', 'status', 'percent', 'result', 'reason', 'verified', ...VERSIONS, 'labels'],
  pair_split: ['pid', 'devices'],
  device_waiting: ['pid', 'sn', 'code', 'reason'],
  wave_started: ['wave', 'waves', 'gateways'],
  wave_finished: ['wave', 'waves', 'gateways'],
  run_stopping: ['reason'],
  broker_lost: ['reason'],
  broker_restored: ['reason'],
  warning: ['code', 'message'],
  error: ['code', 'message', 'exit_code', 'hint', 'details'],
  run_finished: ['exit_code', 'totals', 'devices'],
};
const DEVICE_KEYS = ['pid', 'sn', 'status', 'percent', 'result', 'reason', 'verified', ...VERSIONS, 'labels'];
const OUTCOMES = ['ok', 'failed', 'rejected', 'canceled', 'timeout', 'unknown', 'skipped', 'not_started', 'unverified'];

export type LineOf<E extends EventLine['event']> = Extract<EventLine, { event: E }>;

export interface Lines {
  all: EventLine[];
  of<E extends EventLine['event']>(event: E): LineOf<E>[];
  last: LineOf<'run_finished'>;
}

/** The JSON lines of a whole run, each checked against the schema and the contract. */
export function jsonLines({ code, stdout, stderr }: Pick<CliResult, 'code' | 'stdout' | 'stderr'>): Lines {
  expect(stdout, stderr).toMatch(/\n$/);
  const all = stdout.trimEnd().split('\n').map(jsonLine);
  expect(new Set(all.map(({ run }) => run)).size, 'one run').toBe(1);
  expect(all.filter(({ event }) => event === 'run_finished')).toHaveLength(1);
  const last = all.at(-1) as LineOf<'run_finished'>;
  expect(last).toMatchObject({ event: 'run_finished', exit_code: code });
  expect(Object.keys(last.totals)).toEqual(OUTCOMES);
  for (const device of last.devices) expect(Object.keys(device)).toEqual(DEVICE_KEYS);
  return {
    all,
    of: <E extends EventLine['event']>(event: E) => all.filter((line): line is LineOf<E> => line.event === event),
    last,
  };
}

/** One line, checked. */
export function jsonLine(text: string): EventLine {
  const parsed = JSON.parse(text) as EventLine;
  expect(() => eventLineSchema.parse(parsed), text).not.toThrow();
  const { schema, time, run, event, ...rest } = parsed;
  expect([schema, typeof time, typeof run]).toEqual([1, 'string', 'string']);
  expect(Object.keys(rest).sort(), event).toEqual([...(KEYS[event] ?? [])].sort());
  return parsed;
}
