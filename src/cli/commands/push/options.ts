import { DEFAULTS } from '../../../app/defaults.js';
import { RISKS } from '../../../risks.js';
import { CONNECTION } from '../../options/connection.js';
import { defineOptions, type Options } from '../../options/declaration.js';
import { LIMITS, MAX_SIZE } from '../../options/limits.js';
import type { CommonOptions } from '../../options/on-every-command.js';
import { PID, RECORD, RUN_OUTPUT } from '../../options/output.js';
import {
  byteSize,
  commaList,
  count,
  duration,
  failureLimit,
  runName,
  shard,
  timeout,
  upgradeType,
  waves,
} from '../../options/value-types.js';
import { WHICH, WHICH_DEVICES } from '../../options/which-devices.js';

const DOCKS = 'Looking at the docks';
const ROLLOUT = 'Roll-out';
const FIRMWARE = 'Firmware';

export const PUSH = defineOptions({
  pid: { ...PID.pid, help: 'gateway of devices whose manifest entry has no pid' },
  type: {
    value: '<type>',
    help: 'upgrade type of devices whose entry has none: normal (3), consistency (2) or psdk (4)',
    type: upgradeType,
    defaultText: 'normal',
    complete: ['normal', 'consistency', 'psdk'],
  },
  dryRun: {
    help: 'show the plan without connecting or publishing; with --verbose, also the messages',
    everyday: 'show the plan; nothing is sent',
  },
  confirm: { help: 'show the plan and ask for confirmation, even for a single gateway' },
  yes: { help: 'skip the confirmation prompt', everyday: 'skip the confirmation prompt' },
  simulate: {
    value: '[scenario]',
    help: 'run against an embedded broker with simulated docks; see dji-ota simulate --scenario list',
    complete: 'scenarios',
    everyday: 'rehearse with simulated docks',
  },
  ...RUN_OUTPUT,
  ...RECORD,
  run: {
    value: '<name>',
    help: 'name of this run; a second push with the same name resumes the run or prints its result, and sends nothing twice',
    type: runName,
    defaultText: 'a new id',
    complete: 'runs',
    everyday: 'name the run; the same name again resumes it',
  },

  ...WHICH_DEVICES,
  shard: { value: '<i/n>', group: WHICH, help: 'only the i-th of n parts of the gateways', type: shard },
  skipCurrent: {
    group: WHICH,
    help: 'skip devices that already run the target version, as reported now or within 24h',
  },

  preflight: {
    value: '<mode>',
    group: DOCKS,
    choices: ['off', 'warn', 'require'],
    help: 'check the state of each dock before publishing to it',
    default: 'off',
  },
  skipUnready: {
    group: DOCKS,
    help: 'omit gateways that are not ready instead of refusing the run (same as --wait-ready 0)',
  },
  waitReady: {
    value: '<duration>',
    group: DOCKS,
    help: 'wait up to this long for each gateway to become ready, then start it',
    type: duration,
    defaultText: 'do not wait',
  },
  verify: {
    value: '<mode>',
    group: DOCKS,
    choices: ['off', 'report', 'require'],
    help: 'after ok, wait until the device reports the target version',
    default: 'off',
  },
  verifyTimeout: {
    value: '<duration>',
    group: DOCKS,
    help: 'how long --verify waits',
    type: timeout,
    defaultText: duration.show?.(DEFAULTS.verifyTimeout) ?? '',
  },

  concurrency: {
    value: '<n>',
    group: ROLLOUT,
    help: 'how many gateways are upgraded at the same time',
    type: count(1),
    defaultText: 'all',
  },
  waves: {
    value: '<list>',
    group: ROLLOUT,
    help: 'cumulative number of gateways after each wave, for example 1,10%,100%; a wave that fails stops the run',
    type: waves,
    defaultText: 'one wave',
  },
  wavePause: {
    value: '<duration>',
    group: ROLLOUT,
    help: 'pause between waves',
    type: duration,
    defaultText: duration.show?.(DEFAULTS.wavePause) ?? '',
  },
  maxFailures: {
    value: '<n or p%>',
    group: ROLLOUT,
    help: 'start no more gateways after this many failed or unknown devices',
    type: failureLimit,
    defaultText: 'none',
  },
  retries: {
    value: '<n>',
    group: ROLLOUT,
    help: 'how often to try again after a retryable result code',
    type: count(0),
    default: DEFAULTS.retries,
  },
  retryWait: {
    value: '<duration>',
    group: ROLLOUT,
    help: 'wait before the first new attempt; doubles each time',
    type: timeout,
    default: DEFAULTS.retryWait,
  },

  serve: { value: '<host:port>', group: FIRMWARE, help: "serve the manifest's local files to the docks over HTTP" },
  serveUrl: { value: '<base>', group: FIRMWARE, help: 'base URL to send to the docks instead of http://host:port' },
  serveRate: {
    value: '<bytes/s>',
    group: FIRMWARE,
    help: 'bandwidth limit of --serve, shared equally by the docks',
    type: byteSize,
    defaultText: 'none',
  },
  allow: {
    value: '<risk>',
    group: FIRMWARE,
    choices: RISKS,
    help: 'accept this risk with a warning; repeatable, or comma-separated',
    gather: commaList,
  },
  trustManifest: { group: FIRMWARE, help: 'do not read firmware for which the manifest has md5 and file_size' },
  cache: { negated: true, group: FIRMWARE, help: 'ignore cached digests and read the firmware again' },
  maxSize: { ...MAX_SIZE.maxSize, group: FIRMWARE },

  ...LIMITS,
  match: {
    value: '<by>',
    group: 'Time limits',
    choices: ['bid', 'gateway'],
    help: 'match progress events by bid, or accept any event of the gateway',
    default: 'bid',
  },
  ...CONNECTION,
});

/** The parsed options of `push`. */
export type PushOptions = Options<typeof PUSH> & CommonOptions;
