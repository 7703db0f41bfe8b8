/** Checks what must hold when a process ends: every surface says the same, and nothing that can be continued is lost. */
import { OtaError, toOtaError } from '../../src/errors.js';
import { createCollector } from '../../src/render/report/gather.js';
import { finalTable } from '../../src/render/table/final-table.js';
import { PLAIN_STYLES } from '../../src/render/terminal/styles.js';
import { hasEnded, LIMIT_PASSED, warnedOfJournal } from './check-told.js';
import { type LifeFacts, runOf, type World } from './facts.js';

export function checkEnd(world: World, life: LifeFacts) {
  const { result, thrown, events } = life;
  const run = runOf(world, life.run ?? '');
  if (thrown !== null) return checkThrown(world, life);
  if (!result) return;
  if (result.exit_code === 70) world.violated('bug', result.error?.message ?? 'exit code 70');
  const finished = events.filter(({ event }) => event.event === 'run_finished');
  const last = events.at(-1)?.event;
  if (finished.length !== 1 || last?.event !== 'run_finished') {
    return world.violated('last line', `run_finished was told ${finished.length} times, and last came ${last?.event}`);
  }
  const { devices, totals, exit_code } = result;
  const same = (what: string, told: unknown, is: unknown) => {
    if (JSON.stringify(told) !== JSON.stringify(is)) {
      world.violated('numbers differ', `${what}: ${JSON.stringify(told)}, and the result has ${JSON.stringify(is)}`);
    }
  };
  const statuses = devices.map(({ sn, status }) => `${sn} ${status}`);
  same('exit code of run_finished', last.exit_code, exit_code);
  same('totals of run_finished', last.totals, totals);
  same(
    'devices of run_finished',
    last.devices.map(({ sn, status }) => `${sn} ${status}`),
    statuses,
  );
  same(
    'devices of the run',
    devices.map(({ sn }) => sn),
    expected(world, life),
  );
  same(
    'sum of totals',
    Object.values(totals).reduce((sum, count) => sum + count, 0),
    devices.length,
  );
  for (const { event } of events) {
    if (event.event !== 'device_finished') continue;
    const of = devices.find(({ sn }) => sn === event.sn);
    if (of?.status !== event.status) same(`device_finished of ${event.sn}`, event.status, of?.status);
  }
  same('exit code', exit_code, expectedCode(life, run));
  if (life.next?.includes(' retry ') && !hasEnded(world, run) && !warnedOfJournal(life))
    world.violated('wrong advice', `${life.next}, of a run that has not come to its end`);
  checkReport(life, same);
  checkTable(life, same);
  checkCut(world, life);
}

/** For a retry, only the devices of the earlier run that did not end well. */
function expected(world: World, life: LifeFacts): string[] {
  const first = life.run === world.lives[0]?.run;
  return first ? world.scene.devices.map(({ sn }) => sn) : (life.result?.devices ?? []).map(({ sn }) => sn ?? '');
}

/** CONTRACT "Exit codes", implemented a second time. */
function expectedCode(life: LifeFacts, run: { stopped: boolean; everStopped: boolean; split: boolean }): number {
  const { devices, totals, error, exit_code } = life.result as NonNullable<LifeFacts['result']>;
  const bad = totals.failed + totals.rejected + totals.canceled + totals.timeout + totals.unverified;
  if (life.again) return exit_code;
  const reached =
    life.events.some(({ event }) => event.event === 'device_finished') ||
    devices.every(({ status }) => status !== 'not_started');
  if (error?.code === 'interrupted' && life.abortedWith !== null) return life.abortedWith;
  // When it is requested again, a run may stop at once by what it already knows.
  if (run.stopped || (run.everStopped && exit_code === 6)) return 6;
  // Of a resume that did not connect, what earlier processes know counts.
  if (!reached && !(error?.exitCode === 5 && bad > 0)) return error?.exitCode ?? exit_code;
  if (error && error.exitCode === 4) return 4;
  if (error?.code === 'run_taken_over') return 4;
  if (bad > 0) return 1;
  if (exit_code === 1 && run.split) return 1;
  const open = totals.unknown + totals.not_started;
  if (open === 0) return 0;
  const unready = devices.filter(
    ({ status, reason }) => status === 'not_started' && /not ready/.test(reason ?? ''),
  ).length;
  return open > unready ? 5 : 7;
}

function checkReport(life: LifeFacts, same: (what: string, told: unknown, is: unknown) => void): void {
  const collector = createCollector({ run: life.run ?? 'x', version: '0', simulated: false, verify: 'off' });
  for (const { event, at } of life.events) collector.take(event, at);
  const report = collector.report();
  const { devices, totals, exit_code } = life.result as NonNullable<LifeFacts['result']>;
  same('exit code of the report', report.exit_code, exit_code);
  same('totals of the report', report.totals, totals);
  same(
    'devices of the report',
    report.devices.map(({ sn, status }) => `${sn} ${status}`),
    devices.map(({ sn, status }) => `${sn} ${status}`),
  );
}

/** The final table has a line for each device, and the right totals. */
function checkTable(life: LifeFacts, same: (what: string, told: unknown, is: unknown) => void): void {
  const { devices, totals } = life.result as NonNullable<LifeFacts['result']>;
  const plain = { width: null, styles: PLAIN_STYLES, unicode: false, elsewhere: null, simulated: false };
  const lines = finalTable(devices, totals, null, plain).trimEnd().split('\n');
  const told = [...(lines.at(-1) ?? '').matchAll(/(\d+) (not started|[a-z]+)/g)].slice(1);
  const counted = told.map(([, count, word]) => `${word?.replace(' ', '_')} ${count}`);
  const expected = Object.entries(totals).filter(([, count]) => count > 0);
  same('totals of the table', counted.sort(), expected.map(([word, count]) => `${word} ${count}`).sort());
  // If all devices were left out for one reason, only the error says it.
  if (lines.length === 1) return;
  const rows = devices.map(({ sn }) => lines.filter((line) => line.startsWith(`${sn} `)).length);
  same('lines of the table', rows, new Array(devices.length).fill(1));
}

/** A run that was cut off had a cause, and its open devices are open for the next process. */
function checkCut(world: World, life: LifeFacts): void {
  const { result, causes } = life;
  const code = result?.error?.code;
  const run = runOf(world, life.run ?? '');
  const cut = { interrupted: 'signal', time_limit: 'limit', run_taken_over: 'taken' } as const;
  const cause = cut[code as keyof typeof cut];
  if (cause !== undefined && !causes.has(cause) && cause !== 'taken') {
    world.violated('cut off by nothing', `the run ended with ${code}`);
  }
  if (hasEnded(world, run) || (causes.size === 0 && code !== 'run_taken_over')) return;
  reopenCut(world, life);
}

/**
 * Devices that a process reported as ended because it was cut off, or killed before it wrote its end, are open for the next
 * one.
 */
export function reopenCut(world: World, life: LifeFacts): void {
  const run = runOf(world, life.run ?? '');
  // All open devices were reported as ended at one moment, the last one in which a device ended.
  const cutAt = life.events.findLast(({ event }) => event.event === 'device_finished')?.at;
  for (const standing of run.devices.values()) {
    if (standing.life !== life || standing.state !== 'ended' || standing.at !== cutAt) continue;
    // At that very moment, a limit of its own may have passed.
    if (LIMIT_PASSED.test(standing.reason ?? '')) continue;
    const open = standing.status === 'unknown' || standing.status === 'not_started';
    if (open || (standing.before === 'retry' && standing.status !== 'ok')) standing.state = standing.before;
  }
}

const EXPECTED_ERRORS: ReadonlySet<string> = new Set([
  'run_alive',
  'interrupted',
  'time_limit',
  'broker_unreachable',
  'broker_refused',
  'broker_lost',
]);

function checkThrown(world: World, life: LifeFacts) {
  const { thrown } = life;
  if (!(thrown instanceof OtaError)) {
    const { message } = toOtaError(thrown);
    return world.violated('bug', `${message}: ${thrown instanceof Error ? thrown.stack : String(thrown)}`);
  }
  const { code, message } = thrown;
  if (EXPECTED_ERRORS.has(code)) return;
  if (world.diskTroubled) return;
  if (code === 'usage' && life.life.command === 'retry') return;
  const sent = [...world.runs.values()].some((run) => (life.run === null || run.id === life.run) && run.jobs.size > 0);
  if (code === 'run_not_found' && !sent) return;
  world.violated('cannot go on', `${life.life.command} fails: ${message}`);
}
