/** Options that select devices. */
import { defineOptions } from './declaration.js';
import { each, patterns } from './value-types.js';

export const WHICH = 'Which devices';

export const WHICH_DEVICES = defineOptions({
  only: {
    value: '<pattern>',
    group: WHICH,
    help: 'only devices whose sn or pid matches this glob; repeatable',
    gather: patterns,
    complete: 'serials',
  },
  exclude: {
    value: '<pattern>',
    group: WHICH,
    help: 'omit devices whose sn or pid matches this glob; repeatable',
    gather: patterns,
    complete: 'serials',
  },
  select: {
    value: '<label=pattern>',
    group: WHICH,
    help: 'only devices with this label, for example site=north*; repeatable, all must match',
    gather: each,
    complete: 'labels',
  },
});
