import { defineOptions, type Options } from '../../options/declaration.js';
import { MAX_SIZE } from '../../options/limits.js';
import type { CommonOptions } from '../../options/on-every-command.js';
import { TABLE_OUTPUT } from '../../options/output.js';

export const INSPECT = defineOptions({
  entries: { help: 'list the entries of each package, and which modules are proven' },
  sha256: { help: 'also compute the SHA-256 of each file' },
  ca: { value: '<path>', help: 'PEM file of additional certificate authorities to trust for https', complete: 'files' },
  cache: { negated: true, help: 'ignore cached digests and read the firmware again' },
  ...MAX_SIZE,
  ...TABLE_OUTPUT,
});

/** The parsed options of `inspect`. */
export type InspectCommandOptions = Options<typeof INSPECT> & CommonOptions;
