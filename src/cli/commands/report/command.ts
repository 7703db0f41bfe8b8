import { defineCommand } from '../declaration.js';
import { REPORT } from './options.js';

export const report = defineCommand({
  name: 'report',
  summary: 'write a report of earlier runs',
  description:
    'Writes a report of earlier runs, given by id or as JSON reports; several runs are merged into one report.',
  arguments: [
    {
      term: '<run or report.json...>',
      help: 'runs on this machine (a name stands for all its --shard parts), or .json reports from any machine',
      complete: 'runs',
      orFiles: true,
    },
  ],
  options: REPORT,
  notes: 'The exit code is that of the merged runs.',
  examples: [
    'dji-ota report 20261124-081530-9f3ac2 --report run.html',
    'dji-ota report night-2026-11-27 --report fleet.html',
    'dji-ota report shard-1.json shard-2.json --report fleet.html --report fleet.xml',
  ],
  run: async ([sources], options, io) => (await import('./report.js')).reportCommand(sources, options, io),
});
