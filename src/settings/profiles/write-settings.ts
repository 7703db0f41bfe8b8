/** Writes the settings file, with conf: whole or not at all, and for the user alone. */
import path from 'node:path';
import Conf from 'conf';
import { OtaError, systemReason } from '../../errors.js';
import { safeText } from '../../text.js';
import { ensurePrivateFolder } from '../state-folders.js';
import type { Settings } from './profile.js';
import { readSettings } from './read-settings.js';
import { parseSettings } from './settings-schema.js';

/**
 * Reads `file`, lets `change` work on what it holds, and writes it back (0600, in a folder of 0700).
 * @throws OtaError `settings_invalid` where the file is broken (it is then left as it is) or cannot be written.
 */
export async function changeSettings<T>(file: string, change: (settings: Settings) => T): Promise<T> {
  const settings = await readSettings(file);
  const result = change(settings);
  await ensurePrivateFolder(path.dirname(file));
  try {
    const extension = path.extname(file);
    const conf = new Conf<Record<string, unknown>>({
      cwd: path.dirname(file),
      configName: path.basename(file, extension),
      fileExtension: extension,
      configFileMode: 0o600,
      accessPropertiesByDotNotation: false,
      // The same reading as everywhere: conf's own would stumble over an empty file or a byte order mark.
      deserialize: (text) => ({ ...parseSettings(text, file) }),
      serialize: (value) => `${JSON.stringify(value, null, 2)}\n`,
    });
    conf.store = { ...settings };
  } catch (error) {
    if (error instanceof OtaError) throw error;
    throw new OtaError(
      'settings_invalid',
      `the settings file ${safeText(file)} cannot be written: ${systemReason(error)}`,
      {
        hint: 'Set DJI_OTA_HOME to a folder that you can write to.',
        cause: error,
      },
    );
  }
  return result;
}
