/** What an exit code means, in a few words (CONTRACT "Exit codes"). */
export function exitMeaning(code: number, simulated = false): string {
  // Simulated docks end with the program.
  if (simulated && (code === 130 || code === 143)) return 'interrupted';
  return MEANINGS[code] ?? 'failed';
}

/** Of all runs of a report together. */
export function endMeaning(report: { exit_code: number; runs: readonly { simulated: boolean }[] }): string {
  return exitMeaning(
    report.exit_code,
    report.runs.every(({ simulated }) => simulated),
  );
}

const MEANINGS: Readonly<Record<number, string>> = {
  0: 'every device ended well or had nothing to do',
  1: 'at least one device did not end well',
  2: 'usage or manifest error',
  3: 'the firmware could not be read, differs from the manifest, or is a broken package',
  4: 'the broker was not reached, refused the connection, or was lost for good',
  5: 'a time limit passed with an outcome unknown or a device not started',
  6: 'the run was stopped before all its devices were started',
  7: 'refused before anything was published, or devices were not ready',
  70: 'a bug in dji-ota',
  130: 'interrupted (SIGINT): the docks continue their upgrades',
  143: 'interrupted (SIGTERM): the docks continue their upgrades',
};
