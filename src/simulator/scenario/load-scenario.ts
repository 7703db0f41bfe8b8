import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { OtaError, systemReason } from '../../errors.js';
import { bare, didYouMean } from '../../nearest.js';
import { quoted, safeText } from '../../text.js';
import type { Scenario } from './scenario.js';
import { builtInScenario, SCENARIOS } from './scenarios.js';

const MAX_FILE_BYTES = 1_000_000;

/**
 * The built-in scenario with that name, or the one in that file (JSON or YAML).
 * @throws OtaError `scenario_invalid` if it is neither, or the file has errors; all of them are listed
 */
export async function loadScenario(nameOrPath: string): Promise<Scenario> {
  const builtIn = builtInScenario(nameOrPath);
  if (builtIn) return builtIn;
  const shown = safeText(nameOrPath);
  let text: string;
  try {
    text = await readBounded(nameOrPath);
  } catch (error) {
    const names = SCENARIOS.map(({ name }) => name);
    if (/[/\\]|\.(json|ya?ml)$/i.test(nameOrPath)) {
      throw new OtaError('scenario_invalid', `scenario file ${shown} cannot be read: ${systemReason(error)}`, {
        cause: error,
        hint: 'Give the path of a JSON or YAML file, or the name of a built-in scenario.',
      });
    }
    throw new OtaError('scenario_invalid', `unknown scenario ${quoted(shown)}${didYouMean(nameOrPath, names, bare)}`, {
      hint: 'Give a JSON or YAML file, or a built-in name: dji-ota simulate --scenario list shows them.',
    });
  }
  // zod and yaml are loaded only for a file.
  const { parseScenario } = await import('./scenario-file.js');
  return parseScenario(text, basename(nameOrPath));
}

// Streamed, because the size of a pipe or a device is not known in advance.
async function readBounded(path: string): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of createReadStream(path)) {
    size += (chunk as Buffer).length;
    if (size > MAX_FILE_BYTES) throw new Error('larger than 1 MB');
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}
