/** The code of an error, which scripts can match (`error.code` in the JSON lines). */
export type ErrorCode =
  | 'usage'
  | 'settings_invalid'
  | 'manifest_unreadable'
  | 'manifest_invalid'
  | 'scenario_invalid'
  | 'firmware_unreadable'
  | 'firmware_broken'
  | 'firmware_mismatch'
  | 'broker_unreachable'
  | 'broker_refused'
  | 'broker_lost'
  | 'journal_unwritable'
  | 'inventory_unwritable'
  | 'run_not_found'
  | 'run_alive'
  | 'run_taken_over'
  | 'report_unwritable'
  | 'preflight_refused'
  | 'time_limit'
  | 'interrupted'
  | 'internal';

/** The exit code of the command line for each error. */
export const EXIT_CODES: Readonly<Record<ErrorCode, number>> = {
  usage: 2,
  settings_invalid: 2,
  manifest_unreadable: 2,
  manifest_invalid: 2,
  scenario_invalid: 2,
  run_not_found: 2,
  run_alive: 2,
  report_unwritable: 2,
  firmware_unreadable: 3,
  firmware_broken: 3,
  firmware_mismatch: 3,
  broker_unreachable: 4,
  broker_refused: 4,
  broker_lost: 4,
  run_taken_over: 4,
  journal_unwritable: 2,
  inventory_unwritable: 2,
  preflight_refused: 7,
  time_limit: 5,
  interrupted: 130,
  internal: 70,
};

interface ErrorOptions {
  /** What the user can do about it, in one sentence. */
  hint?: string;
  /** Single findings if one error reports several, for example each bad key of a manifest. */
  details?: string[];
  cause?: unknown;
}

const BRAND = Symbol.for('dji-ota.OtaError');

/** An error that is shown to the user as it is, with a hint about what to do. */
export class OtaError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly details: readonly string[];

  /** @internal */
  get [BRAND](): true {
    return true;
  }

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'OtaError';
    this.code = code;
    this.hint = options.hint;
    this.details = options.details ?? [];
  }

  get exitCode(): number {
    return EXIT_CODES[this.code];
  }
}

/**
 * Whether `error` is an {@link OtaError}, including one of another copy of this class: the chunks of the built program have
 * their own.
 */
function isOtaError(error: unknown): error is OtaError {
  return error instanceof OtaError || (error instanceof Error && BRAND in error);
}

/** Converts anything thrown to an {@link OtaError}. What is not one is a bug (exit 70). */
export function toOtaError(error: unknown): OtaError {
  if (isOtaError(error)) return error;
  // Anything that needs the current folder fails like this, for example making a path absolute.
  if ((error as { syscall?: unknown } | null)?.syscall === 'uv_cwd') {
    const removed = (error as { code?: unknown }).code === 'ENOENT';
    return new OtaError(
      'usage',
      `the current folder ${removed ? 'was removed' : `cannot be used: ${systemReason(error)}`}`,
      {
        cause: error,
        hint: 'Change to a folder that exists, or give absolute paths.',
      },
    );
  }
  const message = error instanceof Error ? error.message : String(error);
  return new OtaError('internal', `unexpected error: ${message}`, {
    cause: error,
    hint: 'This is a bug in dji-ota. Please report it with the output of the same command under --verbose.',
  });
}

/** The system code of a failed file or network operation (`ENOENT`, ...), in words. */
export function systemReason(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  const words: Record<string, string> = {
    ENOENT: 'no such file',
    EACCES: 'permission denied',
    EPERM: 'not permitted',
    EISDIR: 'is a folder, not a file',
    ENOTDIR: 'part of the path is not a folder',
    ENOSPC: 'no space left on the disk',
    EROFS: 'the disk is read-only',
    EMFILE: 'too many open files',
    ECONNREFUSED: 'connection refused',
    ECONNRESET: 'connection reset by the other side',
    ENOTFOUND: 'host name not found',
    EAI_AGAIN: 'host name could not be looked up',
    ETIMEDOUT: 'timed out',
    EHOSTUNREACH: 'host unreachable',
    ENETUNREACH: 'network unreachable',
    EADDRINUSE: 'address already in use',
    EPIPE: 'connection closed by the other side',
  };
  if (typeof code === 'string' && words[code]) return words[code];
  return error instanceof Error ? error.message : String(error);
}
