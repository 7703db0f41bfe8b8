import { defineCommand } from '../declaration.js';
import { INSPECT } from './options.js';

export const inspect = defineCommand({
  name: 'inspect',
  summary: 'show what firmware packages contain, and verify it',
  description:
    'Shows size, MD5, product, version, release date and modules of firmware packages, and whether each module matches the size and MD5 in the configuration of the package.',
  arguments: [
    { term: '<file or url...>', help: 'firmware packages: paths, or http and https URLs', complete: 'files' },
  ],
  options: INSPECT,
  examples: [
    'dji-ota inspect M4T_UAV_17.02.05.01_pro.zip --entries',
    'dji-ota inspect https://firmware.example.com/dock3.zip --output json',
  ],
  run: async ([sources], options, io) => (await import('./inspect.js')).inspectCommand(sources, options, io),
});
