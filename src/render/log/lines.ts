/** The log line of each event; null = none. Stateless: gate.ts decides what gets a line. */
import { resultCode } from '../../protocol/result-codes.js';
import { safeText, showBytes, showDuration } from '../../text.js';
import type { RunEvent } from '../../upgrade/events.js';
import { explain, kindOfOutcome, outcomeText, splitText, stepWord, styleOf } from '../device-states.js';
import type { Styles } from '../terminal/styles.js';

/** The subject of a line, and what happened. */
export interface LogLine {
  pid: string | null;
  /** One device, or all devices of a job; empty = the gateway. */
  sns: readonly string[];
  text: string;
}

const whole = (text: string): LogLine => ({ pid: null, sns: [], text });
const of = ({ pid, sn }: { pid: string; sn: string | null }, text: string): LogLine => ({
  pid,
  sns: sn === null ? [] : [sn],
  text,
});

/** The line of an event; null = none. */
export function logLine(event: RunEvent, styles: Styles, simulated = false): LogLine | null {
  switch (event.event) {
    case 'run_started':
      return whole(
        event.devices === 0
          ? `${event.command} begins`
          : `${event.command} begins: ${count(event.devices, 'device')} on ${count(event.gateways, 'gateway')}`,
      );
    case 'firmware_ready':
      return whole(
        `firmware ready: ${safeText(event.file_name, 120)}, ${showBytes(event.file_size)}, md5 ${safeText(event.md5, 40)} (${event.source}), ${packageWords(event)}, for ${count(event.devices.length, 'device')}`,
      );
    case 'job_published': {
      const attempt = event.attempt > 1 ? `, attempt ${event.attempt}` : '';
      const devices = event.devices.map((sn) => safeText(sn, 64)).join(', ');
      return { pid: event.pid, sns: [], text: `published for ${devices}${attempt}  bid ${safeText(event.bid, 64)}` };
    }
    case 'job_replied':
      return { pid: event.pid, sns: [], text: reply(event.result, event.status, styles) };
    // Shown for whole jobs, see log.ts.
    case 'device_progress':
      return null;
    case 'device_waiting':
      return of(event, `${styles.warn('waiting:')} ${safeText(event.reason, 1000)}`);
    case 'device_retrying':
      return of(event, retryText(event, styles));
    case 'device_finished':
      return of(event, finishedText(event, styles, simulated));
    case 'pair_split':
      return whole(`${styles.bad('pair split:')} ${splitText(event)}`);
    case 'wave_started':
    case 'wave_finished': {
      const what = event.event === 'wave_started' ? `begins: ${count(event.gateways, 'gateway')}` : 'has ended';
      return whole(`wave ${event.wave} of ${event.waves} ${what}`);
    }
    case 'run_stopping':
      return whole(`${styles.warn('stopping:')} no more gateways are started: ${safeText(event.reason, 300)}`);
    case 'broker_lost':
      return whole(
        `${styles.warn('broker lost:')} ${safeText(event.reason)}; reconnecting; the docks continue their upgrades`,
      );
    case 'broker_restored':
      return whole(`broker restored${event.reason === null ? '' : `: ${safeText(event.reason)}`}`);
    case 'warning':
      return whole(`${styles.warn('warning:')} ${safeText(event.message, 1000)}`);
    // Shown at the end, after the table; a plan is a table of its own.
    case 'job_planned':
    case 'error':
    case 'run_finished':
      return null;
  }
}

/** `proven: 4 of 4 modules`; `not checked`. */
export function packageWords(of: { package: string; modules: { proven: number; total: number } | null }): string {
  const { proven, total } = of.modules ?? { proven: 0, total: 0 };
  if (total === 0) return of.package;
  return `${of.package}: ${proven} of ${total} modules${of.package === 'proven' ? '' : ' proven'}`;
}

/** `download  40 %`, or the status if it is not `in_progress`. */
export function progressText(event: {
  status: string | null;
  percent: number | null;
  step_key: string | null;
  rate?: number | null;
}): string {
  const { status, percent, step_key, rate } = event;
  const step = stepWord(step_key);
  const parts: string[] = [];
  if (status === null || status === 'in_progress') parts.push(step ?? 'in progress');
  else parts.push(step === null ? safeText(status, 64) : `${safeText(status, 64)} (${step})`);
  if (percent !== null) parts.push(`${String(percent).padStart(3)} %`);
  if (rate) parts.push(`${showBytes(rate)}/s`);
  return parts.join('  ');
}

function retryText(event: Extract<RunEvent, { event: 'device_retrying' }>, styles: Styles): string {
  const { result, attempt, attempts, wait_ms } = event;
  const failed = styles.warn(`attempt ${attempt} of ${attempts} failed, code ${result}`);
  return `${failed}: ${resultCode(result).meaning}; next attempt in ${showDuration(wait_ms)}`;
}

function finishedText(
  event: Extract<RunEvent, { event: 'device_finished' }>,
  styles: Styles,
  simulated: boolean,
): string {
  const style = styles[styleOf(kindOfOutcome(event))];
  const at = event.status === 'ok' || event.percent === null ? '' : ` at ${event.percent} %`;
  const code = event.result ? `, code ${event.result}` : '';
  const why = explain(event, simulated);
  return `${style(`${outcomeText(event)}${at}${code}`)}${why === null ? '' : `: ${why}`}`;
}

function reply(result: number, status: string | null, styles: Styles): string {
  if (result === 0) return `accepted${status === null ? '' : ` (${safeText(status, 64)})`}`;
  const code = resultCode(result);
  return `${styles.bad(`refused, code ${result}`)}: ${code.meaning}; ${code.advice}`;
}

/** A number with its noun: `1 device`, `3 devices`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
