import { DEFAULTS } from '../../app/defaults.js';
import { defineOptions } from './declaration.js';
import { byteSize, timeout } from './value-types.js';

const group = 'Time limits';

export const LIMITS = defineOptions({
  replyTimeout: {
    value: '<duration>',
    group,
    help: 'how long to wait for a services_reply',
    type: timeout,
    default: DEFAULTS.replyTimeout,
  },
  stallTimeout: {
    value: '<duration>',
    group,
    help: 'how long a device may be silent between events',
    type: timeout,
    default: DEFAULTS.stallTimeout,
  },
  timeout: {
    value: '<duration>',
    group,
    help: 'limit for the whole run, from the start of the program',
    type: timeout,
    defaultText: 'none',
  },
});

/** Of what is downloaded; its group is that of the command. */
export const MAX_SIZE = defineOptions({
  maxSize: {
    value: '<bytes>',
    help: 'most of a firmware file whose size nobody states',
    type: byteSize,
    default: DEFAULTS.maxSize,
  },
});
