/** Identifies the holder of a lease: one process among all machines and containers that share the folder. */
import { type Machine, thisMachine } from '../machine.js';
import { type Processes, type ProcessName, systemProcesses } from '../processes.js';
import { object } from '../protocol/messages.js';

/** `host` is null in leases of an earlier version, which had only `pid` and `started` and were never renewed. */
export interface Owner extends ProcessName {
  /** Unique for each lease, also within one process. */
  token: string;
}

/** `unknown`: the process is where this one cannot look. */
type Life = 'alive' | 'dead' | 'unknown';

/** This process as the owner of a new lease. */
export function thisOwner({ processes, newId }: Pick<Machine, 'processes' | 'newId'> = thisMachine): Owner {
  return { ...processes.self(), token: newId() };
}

/** The owner in the text of a lease; null = the text is cut off, damaged, or has an impossible process id. */
export function ownerOf(text: string): Owner | null {
  let fields: Record<string, unknown> | null;
  try {
    fields = object(JSON.parse(text));
  } catch {
    return null;
  }
  const { pid, token } = fields ?? {};
  // Process ids of 0 and less mean process groups.
  if (!Number.isSafeInteger(pid) || (pid as number) < 1 || (pid as number) > 0x7fffffff) return null;
  const of = (key: keyof Owner) => (typeof fields?.[key] === 'string' ? (fields[key] as string) : null);
  return {
    pid: pid as number,
    started: of('started'),
    host: of('host'),
    boot: of('boot'),
    namespace: of('namespace'),
    token: typeof token === 'string' ? token : text,
  };
}

/**
 * Whether the process of `owner` is alive. A process id identifies a process only within one boot and one PID namespace; on
 * systems without these, within one host. Where the system does not say when a process began, a running process may be a
 * later one with the same id: `unknown`; whether the lease is renewed then decides.
 */
export function lifeOf(owner: Owner, me: Owner, processes: Processes = systemProcesses): Life {
  if (owner.host !== null) {
    const near =
      owner.boot === null && owner.namespace === null && me.boot === null && me.namespace === null
        ? owner.host === me.host && processes.platform !== 'linux'
        : owner.boot === me.boot && owner.namespace === me.namespace && me.boot !== null && me.namespace !== null;
    if (!near) return 'unknown';
  }
  if (!processes.isAlive(owner)) return 'dead';
  // Windows and macOS do not say it. A lease without a host is never renewed: its process id has to be enough.
  return owner.started === null && owner.host !== null && processes.platform !== 'linux' ? 'unknown' : 'alive';
}
