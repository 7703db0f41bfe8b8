/** Who holds a lease: one process, told apart from every other one on all machines and in all containers that share the folder. */
import { type Machine, thisMachine } from '../machine.js';
import { type Processes, type ProcessName, systemProcesses } from '../processes.js';
import { object } from '../protocol/messages.js';

/** `host` is null in a lease of an earlier version, which kept `pid` and `started` alone and never renewed it. */
export interface Owner extends ProcessName {
  /** Of this one lease: two of one process differ. */
  token: string;
}

/** `unknown`: it runs, if it does, where this process cannot look. */
type Life = 'alive' | 'dead' | 'unknown';

export function thisOwner({ processes, newId }: Pick<Machine, 'processes' | 'newId'> = thisMachine): Owner {
  return { ...processes.self(), token: newId() };
}

/** The owner that a lease names; null where it is no lease: cut off, damaged, or with a number that no process has. */
export function ownerOf(text: string): Owner | null {
  let fields: Record<string, unknown> | null;
  try {
    fields = object(JSON.parse(text));
  } catch {
    return null;
  }
  const { pid, token } = fields ?? {};
  // To a system, 0 and less are whole groups of processes.
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
 * Whether `owner` lives. Only within one boot and one PID namespace is the number of a process the same process, and a
 * missing one a proof; on a system that has neither, within one host.
 */
export function lifeOf(owner: Owner, me: Owner, processes: Processes = systemProcesses): Life {
  if (owner.host !== null) {
    const near =
      owner.boot === null && owner.namespace === null && me.boot === null && me.namespace === null
        ? owner.host === me.host && processes.platform !== 'linux'
        : owner.boot === me.boot && owner.namespace === me.namespace && me.boot !== null && me.namespace !== null;
    if (!near) return 'unknown';
  }
  return processes.isAlive(owner) ? 'alive' : 'dead';
}
