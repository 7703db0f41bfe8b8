/** Which of many devices. */
import { defineOptions } from './declaration.js';
import { each, patterns } from './value-types.js';

export const WHICH = 'Which devices';

export const WHICH_DEVICES = defineOptions({
  only: {
    value: '<pattern>',
    group: WHICH,
    help: 'devices by sn or pid, globs allowed; repeatable',
    gather: patterns,
    complete: 'serials',
  },
  exclude: {
    value: '<pattern>',
    group: WHICH,
    help: 'all but these; repeatable',
    gather: patterns,
    complete: 'serials',
  },
  select: {
    value: '<label=pattern>',
    group: WHICH,
    help: 'devices by a label, like site=north*; repeatable, all must match',
    gather: each,
    complete: 'labels',
  },
});
