/** Reads and checks password and PEM files before anything is connected. */
import { readFile, stat } from 'node:fs/promises';
import { type ErrorCode, OtaError, systemReason } from '../../errors.js';
import { type PemFile, readCertificates, readClientCertificate, readKey } from '../../pem.js';
import { safeText } from '../../text.js';
import { withoutLineEnd } from '../environment.js';
import { isLentByRoot, shellWord } from '../file-trust.js';
import type { Sourced } from './merged-connection.js';

/** A file's bytes, and its permission bits if the system has them and this user can change them. */
export interface ReadFile {
  bytes: Buffer;
  mode: number | null;
}

/** Receives a warning. `code` is for scripts, `message` for people. */
export type Warn = (code: string, message: string) => void;

/** Longer than any certificate chain. */
const MAX_BYTES = 1 << 20;
/** Bytes. The length of an MQTT password is a 16-bit number. */
const LONGEST_PASSWORD = 65_535;

/** Reads `path`. @throws Node's own errors; `Error` for a file larger than 1 MiB */
export async function readSmallFile(path: string): Promise<ReadFile> {
  const info = await stat(path);
  if (info.size > MAX_BYTES) throw new Error('larger than 1 MiB');
  const bytes = await readFile(path);
  const lent = (info.mode & 0o007) === 0 && isLentByRoot(info);
  return { bytes, mode: process.platform === 'win32' || lent ? null : info.mode & 0o777 };
}

/** The file's name in messages: `--ca ./ca.pem`. */
function named(file: Sourced<string>): string {
  return `${file.source}: ${safeText(file.value)}`;
}

async function read(file: Sourced<string>, readFile: (path: string) => Promise<ReadFile>): Promise<ReadFile> {
  try {
    return await readFile(file.value);
  } catch (error) {
    throw new OtaError(code(file), `${named(file)} cannot be read: ${systemReason(error)}`, { cause: error });
  }
}

function code(file: Sourced<string>): 'settings_invalid' | 'usage' {
  return file.level === 'profile' ? 'settings_invalid' : 'usage';
}

/** Warns if other users can read `path`. */
export function checkPrivate(path: string, mode: number | null, what: string, warn: Warn): void {
  if (mode === null || (mode & 0o077) === 0) return;
  const others = mode & 0o007 ? 'all users of this machine' : 'its group';
  warn(
    'file_permissions',
    `the ${what} ${safeText(path)} is open to ${others} (mode ${mode.toString(8).padStart(4, '0')}); run: chmod 600 ${shellWord(path)}`,
  );
}

/**
 * The password in `text`, without one final line end, which editors and `echo` add. Used for every source of a password.
 * @param from the source in messages: `--password-file ./pw`, `DJI_OTA_PASSWORD`
 * @throws OtaError if it is empty, too long, has several lines, or is not text; the message does not contain it
 */
export function passwordIn(text: string, from: string, code: ErrorCode): string {
  const password = withoutLineEnd(text.replace(/^\ufeff/, ''));
  if (password === '') throw new OtaError(code, `${from} contains no password: it is empty`);
  if (/[\r\n\u0000\ufffd]/.test(password) || Buffer.byteLength(password) > LONGEST_PASSWORD) {
    throw new OtaError(code, `${from} does not look like a password`, {
      hint: 'It must contain only the password, as one line of UTF-8 text.',
    });
  }
  return password;
}

/**
 * The password in `file`.
 * @throws OtaError if the file cannot be read, or has no valid password
 */
export async function readPasswordFile(
  file: Sourced<string>,
  readFile: (path: string) => Promise<ReadFile>,
  warn: Warn,
): Promise<string> {
  const { bytes, mode } = await read(file, readFile);
  checkPrivate(file.value, mode, 'password file', warn);
  return passwordIn(bytes.toString('utf8'), named(file), code(file));
}

/**
 * The authorities in the PEM file `file`.
 * @throws OtaError if it cannot be read, or contains no certificate
 */
export async function readAuthorities(
  file: Sourced<string>,
  readFile: (path: string) => Promise<ReadFile> = readSmallFile,
): Promise<Buffer> {
  const pem = pemFile(file, await read(file, readFile));
  readCertificates(pem);
  return pem.bytes;
}

/**
 * The client certificate and key in the files `cert` and `key`; either may be missing.
 * @throws OtaError if a file cannot be read or has other content, or if certificate and key do not belong together
 */
export async function readClientFiles(
  cert: Sourced<string> | null,
  key: Sourced<string> | null,
  readFile: (path: string) => Promise<ReadFile>,
  warn: Warn,
): Promise<{ cert: Buffer | undefined; key: Buffer | undefined }> {
  const certFile = cert && pemFile(cert, await read(cert, readFile));
  const keyRead = key && (await read(key, readFile));
  const keyFile = key && keyRead && pemFile(key, keyRead);
  if (certFile && keyFile) readClientCertificate(certFile, keyFile);
  else if (certFile) readCertificates(certFile);
  else if (keyFile) readKey(keyFile);
  if (key && keyRead) checkPrivate(key.value, keyRead.mode, 'key file', warn);
  return { cert: certFile?.bytes, key: keyFile?.bytes };
}

function pemFile(file: Sourced<string>, { bytes }: ReadFile): PemFile {
  return { bytes, name: named(file), code: code(file) };
}
