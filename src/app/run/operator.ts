/** Who runs this program, and which one it is: kept in the journal, and told by the reports. */
import type { Processes } from '../../processes.js';
import { version } from '../version.js';

interface Operator {
  /** By name, else by number; null where there is neither. */
  user: string | null;
  host: string | null;
  /** Version of this program. */
  version: string;
}

export function operator(processes: Pick<Processes, 'user' | 'self'>): Operator {
  return { user: processes.user(), host: processes.self().host, version: version() };
}
