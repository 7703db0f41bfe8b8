import { STEPS, type Step } from '../../protocol/statuses.js';
import type { Random } from '../scenario/random.js';
import type { Behavior, End } from './behavior.js';

/** One progress report of an upgrade, or of one of its devices. */
interface TimelineStep {
  status: string;
  /** 0 to 100, separately for each step. */
  percent: number;
  step: string;
  result: number;
  /** Bytes per second; null outside the download. */
  rate: number | null;
}

interface TimelineHost {
  random: Random;
  report(step: TimelineStep): void;
  /** The dock goes offline and comes back while it reboots. */
  reboot(away: boolean): void;
}

/** The percentage of the upgrade step at which the dock reboots. */
const REBOOT_AT = 60;

/**
 * An upgrade of `bytes`, from the accepted request to its end: yields the milliseconds to wait until the next step, and returns
 * how it ended.
 */
export function* timeline(behavior: Behavior, bytes: number, host: TimelineHost): Generator<number, End> {
  const { interval_ms: interval, end } = behavior;
  // Docks have different speeds.
  const pace = 0.85 + host.random.next() * 0.3;
  const tell = (status: string, percent: number, step: string, rate: number | null = null, result = 0) =>
    host.report({ status, percent, step, result, rate });

  tell('sent', 0, STEPS[0]);
  yield interval;
  for (const step of STEPS) {
    const download = step === 'download_firmware';
    const seconds = download
      ? behavior.download_seconds * (behavior.network_quality <= 1 ? 3 : 1)
      : behavior.upgrade_seconds;
    const total = Math.max(1, seconds * 1000 * pace);
    const stop = stopOf(behavior, step);
    let pauseAt = download ? behavior.pause_percent : null;
    let rebootAt: number | null = download ? null : REBOOT_AT;
    for (let elapsed = 0; ; elapsed = Math.min(total, elapsed + interval)) {
      const percent = Math.floor((elapsed / total) * 100);
      if (rebootAt !== null && percent >= rebootAt && stop >= rebootAt) {
        rebootAt = null;
        host.reboot(true);
        yield behavior.silence_seconds * 1000 * pace;
        host.reboot(false);
      }
      if (percent >= stop) {
        if (end !== 'silent') tell(end, stop, step, null, behavior.end_result);
        return end;
      }
      if (pauseAt !== null && percent >= pauseAt) {
        pauseAt = null;
        tell('paused', percent, step);
        yield behavior.pause_seconds * 1000;
      }
      if (percent >= 100 && !download) break;
      const rate = download ? Math.round((bytes / total) * 1000 * (0.8 + host.random.next() * 0.4)) : null;
      tell('in_progress', percent, step, rate);
      if (percent >= 100) break;
      yield Math.min(interval, total - elapsed);
    }
    if (download && behavior.unknown_status) {
      tell('verifying_package', 100, 'check_firmware');
      yield interval;
    }
  }
  if (end === 'ok') tell('ok', 100, STEPS[1]);
  return end;
}

// An end at 0 % of the upgrade step comes there, not at the end of the download.
function stopOf(behavior: Behavior, step: Step): number {
  const early = behavior.end !== 'ok' && behavior.end !== 'missed';
  return early && behavior.end_step === step ? behavior.end_percent : Number.POSITIVE_INFINITY;
}
