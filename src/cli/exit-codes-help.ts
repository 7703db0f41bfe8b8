/** The part of every help text that scripts are written against. */
export const EXIT_CODES_HELP = `Exit codes:
  0         every device ended ok, or had nothing to do
  1         a device failed, was rejected or canceled, timed out, or failed a required verification
  2         usage or manifest error; nothing was published
  3         firmware unreadable, not what the manifest says, or no sound package; nothing was published
  4         broker not reached, refused us, or lost for good
  5         a time limit passed with an outcome unknown or a device not started, and no device failed
  6         stopped by --max-failures, by a wave that did not end well, or by runs stop
  7         refused before anything was published, or all that did not end well was not ready and not started
  70        a bug in this program
  130, 143  interrupted; upgrades go on in the docks`;
