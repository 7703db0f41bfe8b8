/** Loads the connection settings of a command. The user may be asked for a password at the terminal. */
import {
  type Connection,
  type ConnectionFlags,
  type ConnectionSources,
  loadConnection,
} from '../settings/connection/load-connection.js';
import { type Io, isInteractive } from './io.js';

/** Loads the settings. @throws OtaError `usage` or `settings_invalid`; `interrupted` from the prompt */
export async function readConnection(
  flags: ConnectionFlags,
  io: Io,
  warn: (code: string, message: string) => void,
  options: Pick<ConnectionSources, 'caForFirmware' | 'earlier' | 'run'> = {},
): Promise<Connection> {
  const isTerminal = isInteractive(io);
  return loadConnection(flags, {
    ...options,
    env: io.env,
    signal: io.signal,
    isTerminal,
    prompt: isTerminal
      ? async (question) => {
          const { askPassword } = await import('./prompt.js');
          return askPassword(question, { input: io.stdin, output: io.stderr, signal: io.signal });
        }
      : undefined,
    warn,
  });
}
