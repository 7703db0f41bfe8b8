/** The meaning of an exit code in a few words (CONTRACT "Exit codes"), as far as the run's end shows it. */
import type { Totals } from '../upgrade/events.js';
import type { ReportRun, RunReport } from './report/model.js';

/** How a run ended. */
export interface RunEnd {
  exit_code: number;
  /** Simulated docks end with the program. */
  simulated: boolean;
  /** The totals of its devices; null = they are not those of this run alone. */
  totals: Totals | null;
  /** An error was reported. */
  error: boolean;
}

/** What the exit code of a run means. */
export function exitMeaning({ exit_code, simulated, totals, error }: RunEnd): string {
  const unknown = totals && totals.unknown > 0 ? `the outcome of ${count(totals.unknown)} is not known` : null;
  const idle = totals && totals.not_started > 0 ? `${count(totals.not_started)} ${were(totals)} not started` : null;
  switch (exit_code) {
    case 0:
      return 'every device ended well or had nothing to do';
    case 1:
      // If no device failed, the exit code comes from a split pair.
      return totals === null || FAILED.some((counted) => totals[counted] > 0)
        ? 'at least one device did not end well'
        : 'a dock and its aircraft ended on different releases';
    case 2:
      return 'usage or manifest error';
    case 3:
      return 'the firmware could not be read, differs from the manifest, or is a broken package';
    case 4:
      return 'the broker was not reached, refused the connection, or was lost for good';
    case 5:
      return (
        [unknown, idle].filter((part) => part !== null).join(', and ') ||
        'a time limit passed with an outcome unknown or a device not started'
      );
    case 6:
      if (totals === null) return 'a run was stopped';
      return `the run was stopped; ${idle ?? 'all its devices had been started'}`;
    case 7:
      if (error) return 'refused before anything was published';
      return totals && idle ? `${idle}: not ready` : 'devices were not ready';
    case 70:
      return 'a bug in dji-ota';
    case 130:
    case 143: {
      if (simulated) return 'interrupted';
      const goOn = totals === null || unknown !== null ? ': the docks continue their upgrades' : '';
      return `interrupted (${exit_code === 143 ? 'SIGTERM' : 'SIGINT'})${goOn}`;
    }
    default:
      return 'failed';
  }
}

const FAILED = ['unverified', 'failed', 'rejected', 'canceled', 'timeout'] as const;

const count = (devices: number) => (devices === 1 ? '1 device' : `${devices} devices`);
const were = ({ not_started }: Totals) => (not_started === 1 ? 'was' : 'were');

/** The meaning of a report's exit code. */
export function endMeaning({ exit_code, runs, totals, errors }: RunReport): string {
  const simulated = runs.every((run) => run.simulated);
  return exitMeaning({ exit_code, simulated, totals: runs.length === 1 ? totals : null, error: errors.length > 0 });
}

/** The meaning of the exit code of one run in a report. Its devices may count in a newer run. */
export function runMeaning({ exit_code, simulated }: ReportRun, report: RunReport): string {
  return report.runs.length === 1
    ? endMeaning(report)
    : exitMeaning({ exit_code, simulated, totals: null, error: report.errors.length > 0 });
}
