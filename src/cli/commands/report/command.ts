import { defineCommand } from '../declaration.js';
import { REPORT } from './options.js';

export const report = defineCommand({
  name: 'report',
  summary: 'make a report of earlier runs',
  description: 'Makes a report of earlier runs, by their ids or from their JSON reports; several become one.',
  arguments: [
    {
      term: '<run or report.json...>',
      help: 'runs of this machine (all parts of one that was made with --shard), or .json reports of any',
      complete: 'runs',
      orFiles: true,
    },
  ],
  options: REPORT,
  notes: 'The exit code is that of the joined runs.',
  examples: [
    'dji-ota report 20261124-081530-9f3ac2 --report run.html',
    'dji-ota report night-2026-11-27 --report fleet.html',
    'dji-ota report shard-1.json shard-2.json --report fleet.html --report fleet.xml',
  ],
  run: async ([sources], options, io) => (await import('./report.js')).reportCommand(sources, options, io),
});
