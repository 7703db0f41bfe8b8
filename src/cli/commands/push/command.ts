import { defineCommand } from '../declaration.js';
import { PUSH } from './options.js';

export const push = defineCommand({
  name: 'push',
  summary: 'upgrade the devices in a manifest and follow each one to its end',
  description:
    'Reads the firmware, publishes ota_create to each gateway, and follows every device until its upgrade ends.',
  arguments: [
    {
      term: '[manifest]',
      help: '.json, .yaml, .csv or .tsv file, or - for JSON or YAML on standard input',
      complete: 'files',
    },
  ],
  options: PUSH,
  notes: 'Durations: 500ms, 30s, 15m, 2h; a number without a unit is seconds.',
  exitCodes: true,
  examples: [
    'dji-ota push manifest.json --pid 7CTXN4A00B0001 --dry-run',
    'dji-ota push manifest.json --pid 7CTXN4A00B0001 --broker mqtts://mqtt.example.com --username ota',
    'dji-ota push fleet.csv --waves 1,10%,100% --preflight require --verify require',
    'dji-ota push fleet.csv --output json > run.jsonl',
    'dji-ota push --simulate',
  ],
  run: async ([manifest], options, io, given) => (await import('./push.js')).pushCommand(manifest, options, io, given),
});
