import { defineOptions } from '../../options/declaration.js';
import { TABLE_OUTPUT } from '../../options/output.js';
import { defineCommand } from '../declaration.js';

export const INSPECT = defineOptions({
  entries: { help: 'list what is in each package' },
  ca: { value: '<path>', help: 'PEM file of further authorities to trust for https', complete: 'files' },
  cache: { negated: true, help: 'read the firmware even where its digest is known' },
  ...TABLE_OUTPUT,
});

export const inspect = defineCommand({
  name: 'inspect',
  summary: 'size, MD5, version and release date of firmware packages',
  description: 'Shows size, MD5, and the version and release date written inside each firmware package.',
  arguments: [
    { term: '<file or url...>', help: 'firmware packages: paths, or http and https URLs', complete: 'files' },
  ],
  options: INSPECT,
  examples: [
    'dji-ota inspect M4T_UAV_17.02.05.01_pro.zip',
    'dji-ota inspect https://firmware.example.com/dock3.zip --output json',
  ],
  run: async ([sources], options, io) => (await import('./inspect.js')).inspectCommand(sources, options, io),
});
