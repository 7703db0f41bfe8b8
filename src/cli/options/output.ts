/** Options for output. */
import { defineOptions } from './declaration.js';
import { commaList, each, gateway, percentStep, webhook, words } from './value-types.js';

/** For commands that follow upgrades. */
export const RUN_OUTPUT = defineOptions({
  output: {
    value: '<kind>',
    choices: ['auto', 'bars', 'log', 'json', 'quiet'],
    help: 'output format; auto is bars at a terminal, log elsewhere',
    default: 'auto',
    env: 'DJI_OTA_OUTPUT',
    everyday: 'auto, bars, log, json or quiet',
  },
  progress: {
    value: '<step>',
    help: 'step in percent at which log and JSON lines report progress; 0 = every change',
    type: percentStep,
    defaultText: '10%',
  },
  report: {
    value: '<file>',
    help: 'write a report at the end: .json, .xml (JUnit), .html, .md or .csv; repeatable',
    gather: each,
    complete: 'files',
    everyday: '.html, .xml (JUnit), .json, .md or .csv; repeatable',
  },
  notify: {
    value: '<url>',
    help: 'notify a webhook when the run starts, a wave ends, devices fail, and the run ends; repeatable',
    type: webhook,
    gather: words,
    env: 'DJI_OTA_NOTIFY',
  },
});

/** For commands that listen to docks. */
export const RECORD = defineOptions({
  record: {
    value: '<file>',
    help: 'write every message received and sent to this file, without secrets',
    complete: 'files',
  },
  anonymize: { help: 'with --record: replace serial numbers, ids, host names and positions' },
});

/** For commands that print a table. */
export const TABLE_OUTPUT = defineOptions({
  output: { value: '<kind>', choices: ['table', 'json'], help: 'output format', default: 'table' },
});

export const TEXT_OUTPUT = defineOptions({
  output: { value: '<kind>', choices: ['text', 'json'], help: 'output format', default: 'text' },
});

export const PID = defineOptions({
  pid: {
    value: '<sn>',
    help: 'serial number of a gateway; repeatable, or comma-separated',
    type: gateway,
    gather: commaList,
    complete: 'gateways',
    everyday: 'gateway of devices whose entry has no pid',
  },
});
