/** The environment of the library's functions. */
import path from 'node:path';
import { toOtaError } from '../../errors.js';
import { thisMachine } from '../../machine.js';
import { withoutLineEnds } from '../../settings/environment.js';
import type { Context, World } from '../context.js';
import { errorInKeys } from './caller-words.js';
import type { checkRequest } from './check-request.js';

/** What the work of a request gets: its context, and a function for the errors of callbacks. */
export interface RunTools {
  context: Context;
  /** Ends the request. Its promise rejects with `error`. */
  fail(error: unknown): void;
}

/** The environment of this process. `home` is the folder for everything on disk. */
export function worldOf(request: { home?: string | undefined } | undefined): World {
  const home = request?.home;
  const env = withoutLineEnds(process.env);
  return {
    ...thisMachine,
    env: typeof home !== 'string' ? env : { ...env, DJI_OTA_HOME: path.resolve(home) },
  };
}

/** A signal that is aborted with `own` and with the caller's `signal`, which has not been checked yet. */
export function endingWith(own: AbortController, signal: AbortSignal | undefined): AbortSignal {
  return signal instanceof AbortSignal ? AbortSignal.any([signal, own.signal]) : own.signal;
}

/** Wraps a callback of the caller as a receiver that must not throw. */
export function guarded<A extends unknown[]>(callback: ((...args: A) => void) | undefined, fail: RunTools['fail']) {
  return (...args: A) => {
    try {
      callback?.(...args);
    } catch (error) {
      fail(error);
    }
  };
}

/** Checks a request and runs its `work`. Rejects with an {@link OtaError}, or with what a callback of the caller throws. */
export async function asked<T, K extends Parameters<typeof checkRequest>[0]>(
  name: K,
  request: Parameters<typeof checkRequest<K>>[1],
  signal: AbortSignal | undefined,
  work: (tools: RunTools) => Promise<T>,
): Promise<T> {
  const own = new AbortController();
  let failure: { error: unknown } | null = null;
  const fail = (error: unknown) => {
    failure ??= { error };
    own.abort(error);
  };
  const nobody = () => {};
  const context = {
    ...worldOf(request as { home?: string }),
    signal: endingWith(own, signal),
    emit: nobody,
    warn: nobody,
    note: nobody,
  };
  const thrown = () => (failure as { error: unknown } | null)?.error;
  try {
    (await import('./check-request.js')).checkRequest(name, request);
    const value = await work({ context, fail });
    if (failure) throw thrown();
    return value;
  } catch (error) {
    throw failure ? thrown() : errorInKeys(toOtaError(error));
  }
}
