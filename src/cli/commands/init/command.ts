import { defineCommand } from '../declaration.js';
import { INIT } from './options.js';

export const init = defineCommand({
  name: 'init',
  summary: 'write a manifest from what the docks report and a folder of packages',
  description:
    'Listens until each dock has reported its model and aircraft, assigns each device the firmware package for its model, and writes the manifest.',
  options: INIT,
  notes: [
    'A device without a package is omitted from the manifest and listed with the reason.',
    '',
    'Exit codes:',
    '  0    every gateway reported, and every device has a package',
    '  2    usage error, or the file exists; nothing was written',
    '  3    a device was omitted because it has no sound package, or because dock and aircraft are not a pair; or',
    '       the packages cannot be read',
    '  4    the broker was not reached, refused the connection, or was lost',
    '  5    a gateway did not report, or did not report a model or aircraft; no device was omitted for another reason',
    'With 3 and 5, the manifest is still written for the other devices, if there are any.',
  ].join('\n'),
  examples: [
    'dji-ota init --all --firmware firmware --write fleet.yaml',
    'dji-ota init --pid 7CTXN4A00B0001,7CTXN4A00B0002 --firmware firmware --label site=north --write north.csv',
  ],
  run: async (_, options, io) => (await import('./init.js')).initCommand(options, io),
});
