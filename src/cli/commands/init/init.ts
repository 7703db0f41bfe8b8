/** `dji-ota init`: writes a manifest from docks and packages. */
import { access } from 'node:fs/promises';
import path from 'node:path';
import { connector, profileProducts } from '../../../app/connect.js';
import { type InitResult, init } from '../../../app/init/init.js';
import { checkedPids } from '../../../app/named-values.js';
import { EXIT_CODES, OtaError, systemReason } from '../../../errors.js';
import { labelNameOf, labelNameProblem, labelProblem } from '../../../manifest/device/labels.js';
import type { Labels } from '../../../manifest/model.js';
import { labelColumnProblem, manifestFormat, manifestText } from '../../../manifest/write.js';
import { serialDoubt } from '../../../protocol/topics.js';
import { useUnicode } from '../../../render/terminal/color.js';
import { digestCacheFile } from '../../../settings/state-folders.js';
import { quoted, safeText } from '../../../text.js';
import { writeWhole } from '../../../whole-file.js';
import { fileNameProblem } from '../../../windows-names.js';
import { type Io, warner } from '../../io.js';
import { readConnection } from '../../read-connection.js';
import type { InitOptions } from './options.js';
import { listeningView, summaryLines } from './view.js';

/** `dji-ota init`. @returns the exit code */
export async function initCommand(options: InitOptions, io: Io): Promise<number> {
  const { write, force = false, timeout } = options;
  const pids = scopeOf(options);
  const format = write === undefined ? 'json' : manifestFormat(write, '--write');
  const labels = labelsOf(options.label ?? [], format === 'csv' || format === 'tsv');
  const file = write === undefined ? null : path.resolve(write);
  // Checked before the time-consuming steps.
  if (file !== null) await checkTarget(file, force);
  const view = await listeningView(io, options.color, pids === 'all' ? null : pids.length, timeout);
  const forget = io.onExit(view.close);
  try {
    const warn = (code: string, message: string) => view.say(() => warner(io)(code, message));
    for (const pid of pids === 'all' ? [] : pids) {
      const doubt = serialDoubt(pid);
      if (doubt !== null) warn('odd_serial', `--pid ${quoted(pid)} ${doubt}`);
    }
    const connection = await readConnection(options, io, warn);
    const connectTimeout = Math.min(connection.connectTimeout, timeout);
    const found = await init(
      {
        pids,
        firmware: options.firmware ?? ['.'],
        labels,
        timeout,
        folder: file === null ? path.resolve('.') : path.dirname(file),
        products: profileProducts(connection),
        cacheFile: digestCacheFile(io.env),
        connect: connector({ ...connection, connectTimeout }, { sessionExpiry: 0 }, warn),
      },
      { clock: io.clock, env: io.env, signal: io.signal, warn, onHeard: view.heard, onReading: view.reading },
    );
    view.close();
    const text =
      found.devices.length === 0
        ? null
        : manifestText(
            found.devices.map((one) => one.written),
            format,
          );
    if (text !== null && file === null) io.stdout.write(text);
    if (text !== null && file !== null) await writeManifest(file, text, force);
    const lines = summaryLines(found, text === null ? null : (write ?? '-'), useUnicode(io.env));
    io.stderr.write(`${lines.join('\n')}\n`);
    return exitCode(found);
  } finally {
    forget();
    view.close();
  }
}

/** What is certainly missing takes precedence over what is not known. */
function exitCode({ devices, leftOut }: InitResult): number {
  if (leftOut.some(({ unknown }) => !unknown)) return EXIT_CODES.firmware_unreadable;
  return leftOut.length > 0 || devices.length === 0 ? EXIT_CODES.time_limit : 0;
}

function scopeOf({ pid = [], all }: InitOptions): string[] | 'all' {
  if (pid.length > 0 && all) {
    throw new OtaError('usage', '--pid and --all exclude each other', { hint: 'Give one of them.' });
  }
  if (pid.length > 0) return checkedPids('--pid', pid);
  if (all) return 'all';
  throw new OtaError('usage', 'no gateway is given', {
    hint: 'Give --pid <sn>, or --all for all gateways on the broker.',
  });
}

/** `inColumns`: each label is the header of a CSV column. */
function labelsOf(given: readonly string[], inColumns: boolean): Labels {
  const labels: Record<string, string> = {};
  const wrong = (text: string, why: string) =>
    new OtaError('usage', `--label ${quoted(text)} ${why}`, { hint: 'Example: --label site=north.' });
  for (const text of given) {
    const at = text.indexOf('=');
    if (at < 0) throw wrong(text, 'has no "="');
    const name = labelNameOf(text.slice(0, at));
    const value = text
      .slice(at + 1)
      .trim()
      .replace(/\s+/g, ' ');
    const problem = labelNameProblem(name);
    const bad = labelProblem(value);
    if (problem !== null) throw wrong(text, `cannot be a label: its name ${problem}`);
    if (bad !== null) throw wrong(text, `cannot be a label: its value ${value === '' ? 'is empty' : bad}`);
    if (Object.hasOwn(labels, name)) throw wrong(text, `gives the label ${quoted(name)} twice`);
    Object.defineProperty(labels, name, { value, enumerable: true });
  }
  const column = inColumns ? labelColumnProblem(labels) : null;
  if (column !== null)
    throw new OtaError('usage', `--label: ${column}`, { hint: 'Choose another name for the label.' });
  return labels;
}

async function checkTarget(file: string, force: boolean): Promise<void> {
  const wrong = fileNameProblem(file);
  if (wrong !== null) throw new OtaError('usage', `--write ${safeText(file, 300)} ${wrong}`);
  const there = await access(file).then(
    () => true,
    () => false,
  );
  if (there && !force) throw exists(file);
  const folder = path.dirname(file);
  await access(folder).catch((error: unknown) => {
    throw unwritable(file, error);
  });
}

async function writeManifest(file: string, text: string, force: boolean): Promise<void> {
  try {
    await writeWhole(file, text, !force);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw exists(file);
    throw unwritable(file, error);
  }
}

function exists(file: string): OtaError {
  return new OtaError('usage', `${safeText(file, 300)} exists and was not changed`, {
    hint: 'Overwrite it with --force, or choose another name.',
  });
}

function unwritable(file: string, error: unknown): OtaError {
  const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
  const why = missing ? 'there is no such folder' : systemReason(error);
  return new OtaError('usage', `${safeText(file, 300)} cannot be written: ${why}`, {
    hint: 'Choose a folder that exists and is writable.',
    cause: error,
  });
}
