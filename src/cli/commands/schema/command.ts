import { defineCommand } from '../declaration.js';
import { SCHEMAS } from './schema-names.js';

export const schema = defineCommand({
  name: 'schema',
  summary: 'print the JSON Schema of the manifest, the JSON lines or the JSON report',
  description: 'Prints the JSON Schema of the manifest, of the JSON lines of --output json, or of JSON reports.',
  arguments: [{ term: '[manifest, events or report]', help: 'which schema (default: manifest)', complete: SCHEMAS }],
  options: {},
  examples: ['dji-ota schema > manifest.schema.json', 'dji-ota schema events > events.schema.json'],
  run: async ([which], _, io) => (await import('./schema.js')).schemaCommand(which, io),
});
