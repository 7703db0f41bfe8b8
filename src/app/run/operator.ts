/** The user, machine and program version of a run: stored in the journal and shown in reports. */
import type { Processes } from '../../processes.js';
import { version } from '../version.js';

interface Operator {
  /** The name, or the number if there is no name; null = neither is known. */
  user: string | null;
  host: string | null;
  /** Version of this program. */
  version: string;
}

/** The operator of this process. */
export function operator(processes: Pick<Processes, 'user' | 'self'>): Operator {
  return { user: processes.user(), host: processes.self().host, version: version() };
}
