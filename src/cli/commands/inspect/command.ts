import { defineCommand } from '../declaration.js';
import { INSPECT } from './options.js';

export const inspect = defineCommand({
  name: 'inspect',
  summary: 'what firmware packages hold, and whether it is proven',
  description:
    'Shows size, MD5, product, version, release date and modules of firmware packages, and whether each module has the size and MD5 that the package itself says.',
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
