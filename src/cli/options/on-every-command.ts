import { defineOptions, type Options } from './declaration.js';

/** The options of every command. */
export const COMMON = defineOptions({
  verbose: { group: 'Other', help: 'print more detail, and the stack trace of errors' },
  color: { negated: true, group: 'Other', help: 'disable colours, like NO_COLOR' },
});

/** The parsed options of every command. */
export type CommonOptions = Options<typeof COMMON>;
