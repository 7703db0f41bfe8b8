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
  pid: { ...PID.pid, help: 'gateway of the devices whose manifest entry names none' },
  type: {
    value: '<type>',
    help: 'normal (3), consistency (2) or psdk (4), where the entry names none',
    type: upgradeType,
    defaultText: 'normal',
    complete: ['normal', 'consistency', 'psdk'],
  },
  dryRun: {
    help: 'do everything but connect and publish: show the plan, and with --verbose the messages',
    everyday: true,
  },
  confirm: { help: 'show the plan and ask first, also for a single gateway', everyday: true },
  yes: { help: 'do not ask, at a terminal', everyday: true },
  simulate: {
    value: '[scenario]',
    help: 'run against an embedded broker with simulated docks; dji-ota simulate --scenario list',
    complete: 'scenarios',
    everyday: true,
  },
  ...RUN_OUTPUT,
  ...RECORD,
  run: {
    value: '<name>',
    help: 'name this run: started again under its name it is resumed, or its result is printed again; nothing is sent twice',
    type: runName,
    defaultText: 'a new id',
    complete: 'runs',
    everyday: true,
  },

  ...WHICH_DEVICES,
  shard: { value: '<i/n>', group: WHICH, help: 'only the i-th of n equal parts of the gateways', type: shard },
  skipCurrent: { group: WHICH, help: 'leave out devices that run the target version, as reported now or within 24h' },

  preflight: {
    value: '<mode>',
    group: DOCKS,
    choices: ['off', 'warn', 'require'],
    help: 'look at the state of each dock before publishing to it',
    default: 'off',
  },
  skipUnready: {
    group: DOCKS,
    help: 'leave out the gateways that are not ready instead of refusing the run (means --wait-ready 0)',
  },
  waitReady: {
    value: '<duration>',
    group: DOCKS,
    help: 'start each gateway when it becomes ready, within this time',
    type: duration,
    defaultText: 'nothing waits',
  },
  verify: {
    value: '<mode>',
    group: DOCKS,
    choices: ['off', 'report', 'require'],
    help: 'after ok, wait for the device to report the target version',
    default: 'off',
  },
  verifyTimeout: {
    value: '<duration>',
    group: DOCKS,
    help: 'how long to wait for that',
    type: timeout,
    defaultText: duration.show?.(DEFAULTS.verifyTimeout) ?? '',
  },

  concurrency: { value: '<n>', group: ROLLOUT, help: 'gateways upgrading at once', type: count(1), defaultText: 'all' },
  waves: {
    value: '<list>',
    group: ROLLOUT,
    help: 'gateways after each wave, like 1,10%,100%; a wave that does not end well stops the run',
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
    help: 'new attempts after a retryable code',
    type: count(0),
    default: DEFAULTS.retries,
  },
  retryWait: {
    value: '<duration>',
    group: ROLLOUT,
    help: 'wait before the first of them; doubles each time',
    type: timeout,
    default: DEFAULTS.retryWait,
  },

  serve: { value: '<host:port>', group: FIRMWARE, help: 'serve the manifest’s local files to the docks over HTTP' },
  serveUrl: { value: '<base>', group: FIRMWARE, help: 'what the docks are told instead of http://host:port' },
  serveRate: {
    value: '<bytes/s>',
    group: FIRMWARE,
    help: 'limit of --serve, shared fairly by the docks',
    type: byteSize,
    defaultText: 'none',
  },
  allow: {
    value: '<risk>',
    group: FIRMWARE,
    choices: RISKS,
    help: 'continue with a warning despite this; repeatable, or a comma list',
    gather: commaList,
  },
  trustManifest: { group: FIRMWARE, help: 'do not read the firmware where the manifest has md5 and file_size' },
  cache: { negated: true, group: FIRMWARE, help: 'read the firmware even where its digest is known' },
  maxSize: { ...MAX_SIZE.maxSize, group: FIRMWARE },

  ...LIMITS,
  match: {
    value: '<by>',
    group: 'Time limits',
    choices: ['bid', 'gateway'],
    help: 'accept progress by its bid, or any on the gateway',
    default: 'bid',
  },
  ...CONNECTION,
});

export type PushOptions = Options<typeof PUSH> & CommonOptions;
