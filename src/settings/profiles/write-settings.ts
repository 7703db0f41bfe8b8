/** Writes the settings file with conf: atomically, and readable by the user only. */
import path from 'node:path';
import Conf from 'conf';
import { OtaError, systemReason } from '../../errors.js';
import { safeText } from '../../text.js';
import { ensurePrivateFolder } from '../state-folders.js';
import type { Settings } from './profile.js';
import { readSettings } from './read-settings.js';
import { parseSettings } from './settings-schema.js';

/**
 * Reads `file`, passes its content to `change`, and writes it back (0600, in a folder of 0700).
 * @throws OtaError `settings_invalid` if the file is invalid (it is then left unchanged) or cannot be written
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
      // The same parser as everywhere else: conf's own fails on an empty file or a byte order mark.
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
