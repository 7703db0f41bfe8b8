/** What is shown and written. */
import { defineOptions } from './declaration.js';
import { commaList, each, gateway, percentStep, webhook, words } from './value-types.js';

/** Of the commands that follow upgrades. */
export const RUN_OUTPUT = defineOptions({
  output: {
    value: '<kind>',
    choices: ['auto', 'bars', 'log', 'json', 'quiet'],
    help: 'how progress is shown; auto is bars on a terminal, log elsewhere',
    default: 'auto',
    env: 'DJI_OTA_OUTPUT',
    everyday: true,
  },
  progress: {
    value: '<step>',
    help: 'how often log and JSON lines tell progress, in percent; 0 = whenever it changes',
    type: percentStep,
    defaultText: '10%',
  },
  report: {
    value: '<file>',
    help: 'write a report at the end: .json, .xml (JUnit), .html, .md or .csv; repeatable',
    gather: each,
    complete: 'files',
    everyday: true,
  },
  notify: {
    value: '<url>',
    help: 'tell a webhook when the run starts, a wave ends, devices fail, and at the end; repeatable',
    type: webhook,
    gather: words,
    env: 'DJI_OTA_NOTIFY',
  },
});

/** Of the commands that hear docks. */
export const RECORD = defineOptions({
  record: {
    value: '<file>',
    help: 'write every message received and sent to this file, without secrets',
    complete: 'files',
  },
  anonymize: { help: 'with --record: replace serial numbers, ids, host names and positions' },
});

/** Of the commands that print a table. */
export const TABLE_OUTPUT = defineOptions({
  output: { value: '<kind>', choices: ['table', 'json'], help: 'how it is printed', default: 'table' },
});

export const TEXT_OUTPUT = defineOptions({
  output: { value: '<kind>', choices: ['text', 'json'], help: 'how it is printed', default: 'text' },
});

export const PID = defineOptions({
  pid: {
    value: '<sn>',
    help: 'gateway; repeatable, or a comma list',
    type: gateway,
    gather: commaList,
    complete: 'gateways',
    everyday: true,
  },
});
