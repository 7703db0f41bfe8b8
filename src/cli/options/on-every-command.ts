import { defineOptions, type Options } from './declaration.js';

/** On every command. */
export const COMMON = defineOptions({
  verbose: { group: 'Other', help: 'print more detail, and the stack trace of errors' },
  color: { negated: true, group: 'Other', help: 'disable colours, like NO_COLOR' },
});

export type CommonOptions = Options<typeof COMMON>;
