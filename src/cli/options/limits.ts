import { DEFAULTS } from '../../app/defaults.js';
import { defineOptions } from './declaration.js';
import { byteSize, timeout } from './value-types.js';

const group = 'Time limits';

export const LIMITS = defineOptions({
  replyTimeout: {
    value: '<duration>',
    group,
    help: 'how long to wait for the services_reply of a dock',
    type: timeout,
    default: DEFAULTS.replyTimeout,
  },
  stallTimeout: {
    value: '<duration>',
    group,
    help: 'how long a device may send no event before it is unknown',
    type: timeout,
    default: DEFAULTS.stallTimeout,
  },
  timeout: {
    value: '<duration>',
    group,
    help: 'time limit for the whole run, from the start of the program',
    type: timeout,
    defaultText: 'none',
  },
});

/** The limit for downloads. Each command sets its own group. */
export const MAX_SIZE = defineOptions({
  maxSize: {
    value: '<bytes>',
    help: 'stop reading a firmware file of unknown size after this many bytes',
    type: byteSize,
    default: DEFAULTS.maxSize,
  },
});
