import { defineOptions, type Options } from '../../options/declaration.js';
import { MAX_SIZE } from '../../options/limits.js';
import type { CommonOptions } from '../../options/on-every-command.js';
import { TABLE_OUTPUT } from '../../options/output.js';

export const INSPECT = defineOptions({
  entries: { help: 'list what is in each package, and which modules are proven' },
  sha256: { help: 'compute the SHA-256 of each file, too' },
  ca: { value: '<path>', help: 'PEM file of further authorities to trust for https', complete: 'files' },
  cache: { negated: true, help: 'read the firmware even where its digest is known' },
  ...MAX_SIZE,
  ...TABLE_OUTPUT,
});

export type InspectCommandOptions = Options<typeof INSPECT> & CommonOptions;
