/** `--record` and `--anonymize` of the commands that listen to docks. */
import path from 'node:path';
import type { Connect } from '../app/context.js';
import { OtaError } from '../errors.js';
import type { Io } from './io.js';

/** The options that concern recordings. */
export interface RecordFlags {
  record?: string | undefined;
  anonymize?: true | undefined;
  report?: readonly string[] | undefined;
}

/**
 * Wraps `connect` with a recording if requested. It fails with `usage` if the file cannot be written.
 * @param serials those that the command knows in advance; more are learned from messages
 */
export function recordedConnect(
  connect: Connect,
  { record: file, anonymize }: RecordFlags,
  serials: Iterable<string>,
  { clock }: Pick<Io, 'clock'>,
  warn: (code: string, message: string) => void,
): Connect {
  if (file === undefined) return connect;
  return async (events, signal) => {
    const [{ openRecording }, { recorded }] = await Promise.all([
      import('../recording/writer.js'),
      import('../app/recording.js'),
    ]);
    const open = () => openRecording({ file, clock, warn, anonymize: anonymize ? { serials } : null });
    return recorded(connect, open)(events, signal);
  };
}

/** @throws OtaError `usage` for contradicting options */
export function checkRecord({ record, anonymize, report = [] }: RecordFlags): void {
  if (anonymize && record === undefined) {
    throw new OtaError('usage', '--anonymize needs --record', {
      hint: 'It applies to a recording: add --record <file>.',
    });
  }
  if (record !== undefined && report.some((file) => path.resolve(file) === path.resolve(record))) {
    throw new OtaError('usage', '--record and --report name the same file', { hint: 'Use two different files.' });
  }
}
