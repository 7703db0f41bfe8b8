/** Who holds a lease: one process, told apart from every other one on all machines and in all containers that share the folder. */
import { randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { object } from '../protocol/messages.js';

export interface Owner {
  pid: number;
  /** When the process began, in the system's own count: tells it from a later one with the same number. Null where the system does not say. */
  started: string | null;
  /** Null in a lease of an earlier version, which kept `pid` and `started` alone and never renewed it. */
  host: string | null;
  /** The kernel's id of this boot of the machine, and its PID namespace; null where the system has none. */
  boot: string | null;
  namespace: string | null;
  /** Of this one lease: two of one process differ. */
  token: string;
}

/** `unknown`: it runs, if it does, where this process cannot look. */
export type Life = 'alive' | 'dead' | 'unknown';

export function thisOwner(): Owner {
  return {
    pid: process.pid,
    started: statOf(process.pid)?.[STARTED] ?? null,
    host: hostname(),
    boot: ask(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
    namespace: ask(() => readlinkSync('/proc/self/ns/pid')),
    token: randomBytes(12).toString('hex'),
  };
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
  // process.kill() takes 0 and less for whole groups of processes.
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
export function lifeOf(owner: Owner, me: Owner): Life {
  if (owner.host !== null) {
    const near =
      owner.boot === null && owner.namespace === null && me.boot === null && me.namespace === null
        ? owner.host === me.host && process.platform !== 'linux'
        : owner.boot === me.boot && owner.namespace === me.namespace && me.boot !== null && me.namespace !== null;
    if (!near) return 'unknown';
  }
  return isAlive(owner) ? 'alive' : 'dead';
}

function isAlive(owner: Owner): boolean {
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    // EPERM: it lives, and is another user's.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const stat = statOf(owner.pid);
  // Killed, and its parent has not asked for its end yet, which in a container without an init it may never do.
  if (stat?.[STATE] === 'Z' || stat?.[STATE] === 'X') return false;
  const started = stat?.[STARTED] ?? null;
  return started === null || owner.started === null || started === owner.started;
}

// Fields of /proc/<pid>/stat after the name, which may hold spaces and brackets itself.
const STATE = 0;
const STARTED = 19;

/** Null where the system has no such file, or where /proc shows another PID namespace than ours (`unshare --pid`). */
function statOf(pid: number): string[] | null {
  const ours = ask(() => readlinkSync('/proc/self')) === String(process.pid);
  const stat = ours ? ask(() => readFileSync(`/proc/${pid}/stat`, 'utf8')) : null;
  return stat === null ? null : stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function ask(of: () => string): string | null {
  try {
    return of() || null;
  } catch {
    return null;
  }
}
