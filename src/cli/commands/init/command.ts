import { defineCommand } from '../declaration.js';
import { INIT } from './options.js';

export const init = defineCommand({
  name: 'init',
  summary: 'write a manifest from what the docks report and a folder of packages',
  description:
    'Listens to docks until each has told its model and aircraft, gives each device the firmware package of its model, and writes the manifest.',
  options: INIT,
  notes: [
    'A device without a package is left out of the manifest, and listed with the reason.',
    '',
    'Exit codes:',
    '  0    every gateway was heard, and every device has its package',
    '  2    usage, or the file exists already: nothing was written',
    '  3    a device was left out because it has no sound package or is not what a dock and its aircraft are; or the',
    '       packages cannot be read',
    '  4    broker not reached, refused us, or was lost',
    '  5    a gateway was not heard, or a model or aircraft was not told; no device was left out otherwise',
    'With 3 and 5 the manifest of the other devices is written, where there are any.',
  ].join('\n'),
  examples: [
    'dji-ota init --all --firmware firmware --write fleet.yaml',
    'dji-ota init --pid 7CTXN4A00B0001,7CTXN4A00B0002 --firmware firmware --label site=north --write north.csv',
  ],
  run: async (_, options, io) => (await import('./init.js')).initCommand(options, io),
});
