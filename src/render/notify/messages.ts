/** The messages for webhooks, as a function of the run's events. deliver.ts sends them. */
import type { Clock } from '../../clock.js';
import { resultCode } from '../../protocol/result-codes.js';
import { safeText } from '../../text.js';
import { COUNTED, hasFailed } from '../../upgrade/counting.js';
import { type PublicDevice, publicDevice, type RunEvent } from '../../upgrade/events.js';
import { exitMeaning } from '../exit-meaning.js';

/** The body of a message: CloudEvents 1.0 in structured mode, as JSON. */
export interface CloudEvent {
  specversion: '1.0';
  id: string;
  source: string;
  type: `dji-ota.${RunEvent['event']}`;
  /** The run's id. */
  subject: string;
  /** ISO 8601, UTC. */
  time: string;
  datacontenttype: 'application/json';
  /** `text` is a sentence, safe to show. */
  data: { schema: 1; time: string; run: string; event: RunEvent['event']; simulated: boolean; text: string } & Record<
    string,
    unknown
  >;
}

interface Notifier {
  event(event: RunEvent): void;
  /** Sends the last message after the reports (absolute paths) are written; nothing if the run did not get to its end. */
  end(reports: readonly string[]): void;
  close(): void;
}

interface NotifierOptions {
  run: string;
  simulated: boolean;
  clock: Clock;
  newId(): string;
  send(message: CloudEvent): void;
}

/** Milliseconds. Failures and waits are collected, and each kind is sent at most this often. */
const GATHER = 1_000;
const EVERY = 30_000;
/** Milliseconds after which a gateway that is not ready is worth a message. */
export const TOO_LONG = 15 * 60_000;
/** The most devices and serial numbers in a message. The counts include all. */
const MOST_DEVICES = 100;
const MOST_SERIALS = 1_000;

/** Creates the messages of a run. */
export function createNotifier({ run, simulated, clock, newId, send }: NotifierOptions): Notifier {
  const tell = (event: RunEvent['event'], text: string, data: Record<string, unknown>) => {
    const time = new Date(clock.wall()).toISOString();
    const about = `dji-ota ${run}${simulated ? ' (simulated)' : ''}`;
    send({
      ...{
        specversion: '1.0',
        id: newId(),
        source: `/dji-ota/runs/${run}`,
        type: `dji-ota.${event}`,
        subject: run,
        time,
      },
      datacontenttype: 'application/json',
      data: { schema: 1, time, run, event, simulated, text: `${about}: ${text}`, ...data },
    });
  };
  const failures = bundler<PublicDevice>(clock, (devices, count) => {
    const shown = devices.slice(0, 3).map(failureText).join('; ');
    const more = count > 3 ? `; and ${count - 3} more` : '';
    tell('device_finished', `${many(count, 'device')} did not end well: ${shown}${more}`, { count, devices });
  });
  const waits = bundler<{ pid: string; reason: string }>(clock, (gateways, count) => {
    const shown = gateways.slice(0, 3).map(({ pid, reason }) => `${safeText(pid, 64)} (${safeText(reason, 200)})`);
    const minutes = TOO_LONG / 60_000;
    const text = `${many(count, 'gateway')} not ready for ${minutes} minutes: ${shown.join('; ')}`;
    tell('device_waiting', count > 3 ? `${text}; and ${count - 3} more` : text, { count, gateways });
  });
  /** For each waiting gateway: its current reason, and the function that cancels its timer. */
  const waiting = new Map<string, { reason: string; cancel: () => void }>();
  const endWait = (pid: string) => {
    waiting.get(pid)?.cancel();
    waiting.delete(pid);
  };
  let finished: Extract<RunEvent, { event: 'run_finished' }> | null = null;
  let error: string | null = null;
  const close = () => {
    failures.drop();
    waits.drop();
    for (const pid of [...waiting.keys()]) endWait(pid);
  };

  return {
    event(event) {
      if (event.event === 'run_started') {
        const { command, devices, gateways } = event;
        const of = devices === 0 ? '' : `: ${many(devices, 'device')} on ${many(gateways, 'gateway')}`;
        tell(event.event, `${command} begins${of}`, { command, devices, gateways });
      } else if (event.event === 'wave_finished') {
        const { wave, waves, gateways } = event;
        tell(event.event, `wave ${wave} of ${waves} has ended (${many(gateways, 'gateway')})`, {
          wave,
          waves,
          gateways,
        });
      } else if (event.event === 'device_waiting') {
        const { pid, reason } = event;
        const known = waiting.get(pid);
        if (known) known.reason = reason;
        else {
          const late = () => waits.add({ pid, reason: waiting.get(pid)?.reason ?? reason });
          waiting.set(pid, { reason, cancel: clock.after(TOO_LONG, late) });
        }
      } else if (event.event === 'job_published') endWait(event.pid);
      else if (event.event === 'device_finished') {
        endWait(event.pid);
        if (hasFailed(event)) {
          const { event: _, bid: __, ...device } = event;
          failures.add(publicDevice(device));
        }
      } else if (event.event === 'error') error = event.message;
      else if (event.event === 'run_finished') {
        finished = event;
        // The last message contains them all.
        close();
      }
    },
    end(reports) {
      if (!finished) return;
      const { exit_code, totals, devices } = finished;
      const failed = devices.filter(hasFailed);
      const counts = COUNTED.flatMap((word) => (totals[word] > 0 ? [`${totals[word]} ${word.replace('_', ' ')}`] : []));
      const why = error === null ? '' : ` (${safeText(error, 300)})`;
      const text = `exit code ${exit_code}, ${exitMeaning({ exit_code, simulated, totals, error: error !== null })}${why}; ${counts.join(', ') || 'no device'}`;
      tell('run_finished', text, {
        exit_code,
        totals,
        error,
        count: failed.length,
        failed_serials: failed.flatMap(({ sn }) => sn ?? []).slice(0, MOST_SERIALS),
        devices: failed.slice(0, MOST_DEVICES).map(publicDevice),
        reports,
      });
    },
    close,
  };
}

/** Collects items and sends them together. `count`: the number of all items, which may be more than a message contains. */
function bundler<T>(clock: Clock, tell: (items: T[], count: number) => void) {
  let items: T[] = [];
  let count = 0;
  let toldAt = Number.NEGATIVE_INFINITY;
  let cancel: (() => void) | null = null;
  const flush = () => {
    cancel = null;
    toldAt = clock.now();
    const [list, all] = [items, count];
    items = [];
    count = 0;
    tell(list, all);
  };
  return {
    add(item: T) {
      count++;
      if (items.length < MOST_DEVICES) items.push(item);
      cancel ??= clock.after(Math.max(GATHER, toldAt + EVERY - clock.now()), flush);
    },
    drop() {
      cancel?.();
      cancel = null;
    },
  };
}

function failureText({ sn, pid, status, result, reason }: PublicDevice): string {
  const why = result
    ? ` (code ${result}: ${resultCode(result).meaning})`
    : reason === null
      ? ''
      : ` (${safeText(reason, 200)})`;
  return `${safeText(sn ?? pid, 64)} ${status === 'ok' ? 'unverified' : status}${why}`;
}

function many(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
