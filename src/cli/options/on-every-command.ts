import { defineOptions, type Options } from './declaration.js';

/** On every command. */
export const COMMON = defineOptions({
  verbose: { group: 'Other', help: 'say more, and show where an error comes from' },
  color: { negated: true, group: 'Other', help: 'no colours (as NO_COLOR does)' },
});

export type CommonOptions = Options<typeof COMMON>;
