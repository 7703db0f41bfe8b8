/** Two lines, for help that fits one screen. */
export const EXIT_CODES_SHORT = `Exit codes: 0 ok, 1 a device failed, 2 usage or manifest, 3 firmware, 4 broker,
  5 outcome not known, 6 stopped, 7 refused or not ready, 130, 143 interrupted`;

/** The table of exit codes, which scripts rely on. */
export const EXIT_CODES_HELP = `Exit codes:
  0         every device ended ok, or had nothing to do
  1         a device failed, was rejected or canceled, timed out, or failed a required verification
  2         usage or manifest error; nothing was published
  3         firmware unreadable, different from the manifest, or a broken package; nothing was published
  4         the broker was not reached, refused the connection, or was lost for good
  5         a time limit passed with an outcome unknown or a device not started, and no device failed
  6         stopped by --max-failures, by a wave that failed, or by runs stop
  7         refused before anything was published; or the only devices not ok were not ready and not started
  70        a bug in this program
  130, 143  interrupted; the docks continue their upgrades`;
