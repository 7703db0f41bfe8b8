/** Prints a world in plain lines for readers who do not know the code: virtual time, who, what. */
import type { RunEvent } from '../../src/upgrade/events.js';
import type { Scene } from './scene.js';

export interface Story {
  tell(at: number, who: string, what: string): void;
  readonly lines: readonly string[];
}

export function storyOf(listening: boolean): Story {
  const lines: string[] = [];
  return {
    lines,
    tell(at, who, what) {
      if (listening) lines.push(`${clockOf(at)}  ${who.padEnd(12)} ${what}`);
    },
  };
}

/** `0:03:21.450`: hours, minutes, seconds. */
export function clockOf(ms: number): string {
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0');
  const seconds = (ms / 1000) % 60;
  const rest = String(Math.floor(ms % 1000)).padStart(3, '0');
  return `${Math.floor(ms / 3_600_000)}:${two((ms / 60_000) % 60)}:${two(seconds)}.${rest}`;
}

/** An event of a run in words; null = not interesting. */
export function eventInWords(event: RunEvent): string | null {
  switch (event.event) {
    case 'run_started':
      return `${event.command} begins with ${event.devices} devices on ${event.gateways} docks`;
    case 'job_published':
      return `tells that ${event.devices.join(' and ')} got the upgrade ${short(event.bid)} (attempt ${event.attempt})`;
    case 'job_replied':
      return `hears the reply of ${event.pid}: ${event.result === 0 ? 'accepted' : `refused with ${event.result}`}`;
    case 'device_progress':
      return `hears of ${event.sn}: ${event.status} ${event.percent ?? '?'} % ${event.step_key ?? ''}`.trimEnd();
    case 'device_waiting':
      return `waits for ${event.sn ?? event.pid}: ${event.reason}`;
    case 'device_retrying':
      return `will try ${event.sn} again in ${Math.round(event.wait_ms / 1000)} s (code ${event.result})`;
    case 'device_finished':
      return `counts ${event.sn} as ${event.status}${event.reason === null ? '' : ` (${event.reason})`}`;
    case 'pair_split':
      return `tells that the pair of ${event.pid} ended split`;
    case 'run_stopping':
      return `starts nothing more: ${event.reason}`;
    case 'broker_lost':
      return `has lost the broker: ${event.reason}`;
    case 'broker_restored':
      return `has the broker back${event.reason === null ? '' : ` (${event.reason})`}`;
    case 'warning':
      return `warns: ${event.message}`;
    case 'error':
      return `fails: ${event.message}`;
    case 'run_finished':
      return `ends with exit code ${event.exit_code}`;
    default:
      return null;
  }
}

export const short = (bid: string | null) => (bid === null ? 'without id' : bid.slice(0, 8));

/** What was chosen for a world, before anything happens in it. */
export function sceneInWords(scene: Scene): string[] {
  const { settings } = scene;
  const { rollout = {}, limits = {} } = settings;
  const options = [
    scene.named === null ? null : `--run ${scene.named}`,
    rollout.concurrency === undefined ? null : `--concurrency ${rollout.concurrency}`,
    rollout.waves === undefined ? null : `--waves ${rollout.waves} --wave-pause ${seconds(rollout.wavePause ?? 0)}`,
    rollout.maxFailures === undefined
      ? null
      : `--max-failures ${Object.values(rollout.maxFailures)[0]}${'percent' in rollout.maxFailures ? '%' : ''}`,
    rollout.retries === undefined
      ? null
      : `--retries ${rollout.retries} --retry-wait ${seconds(rollout.retryWait ?? 0)}`,
    `--reply-timeout ${seconds(limits.reply ?? 0)} --stall-timeout ${seconds(limits.stall ?? 0)}`,
    limits.total === undefined ? null : `--timeout ${seconds(limits.total)}`,
    (settings.verify ?? 'off') === 'off'
      ? null
      : `--verify ${settings.verify} --verify-timeout ${seconds(limits.verify ?? 0)}`,
    (settings.preflight ?? 'off') === 'off'
      ? null
      : `--preflight ${settings.preflight}${settings.skipUnready ? ' --skip-unready' : ''}`,
    settings.waitReady ? `--wait-ready ${seconds(settings.waitReady)}` : null,
    settings.skipCurrent ? '--skip-current' : null,
    settings.match === 'gateway' ? '--match gateway' : null,
    settings.allow?.length ? `--allow ${settings.allow.join(',')}` : null,
  ].filter((option) => option !== null);
  return [
    `Seed ${scene.seed}: ${scene.docks.length} docks, ${scene.devices.length} devices to be upgraded, ${scene.lives.length} processes, ${scene.faults.length} faults.`,
    `dji-ota push manifest.json ${options.join(' ')}`,
    ...(scene.earlierVersion ? ['Version 0.1.0 of dji-ota wrote what stands in the journal.'] : []),
    ...scene.docks.map((dock) => {
      const { pid, aircraft, behavior, session, telemetry, version } = dock;
      const about = [
        `version ${version}`,
        session === 0 ? 'the broker keeps nothing for it' : '',
        telemetry ? 'tells its state' : '',
      ];
      const usual = ['reply_ms', 'download_seconds', 'upgrade_seconds', 'silence_seconds', 'interval_ms'];
      const odd = Object.entries(behavior).filter(([key]) => !usual.includes(key));
      const shown = odd.map(([key, value]) => `${key} ${JSON.stringify(value)}`).join(', ');
      return `  ${pid} with ${aircraft.join(', ') || 'no aircraft'}: ${about.filter(Boolean).join(', ')}${shown === '' ? '' : `; ${shown}`}`;
    }),
  ];
}

const seconds = (ms: number) => `${Math.round(ms / 100) / 10}s`;
