/** The processes of a machine, injected as time is: whoever holds a lease is asked for here. */
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';

/** One process, told apart from every other one on all machines and in all containers. */
export interface ProcessName {
  pid: number;
  /** When the process began, in the system's own count: tells it from a later one with the same number. Null where the system does not say. */
  started: string | null;
  host: string | null;
  /** The kernel's id of this boot of the machine, and its PID namespace; null where the system has none. */
  boot: string | null;
  namespace: string | null;
}

export interface Processes {
  readonly platform: NodeJS.Platform;
  readonly pid: number;
  /** This process. */
  self(): ProcessName;
  /** Whether a process of this boot and PID namespace runs. `pid`: at least 1. */
  isAlive(process: Pick<ProcessName, 'pid' | 'started'>): boolean;
  /** Who runs this one: the name, or the number of a user that has none; null where there is neither. */
  user(): string | null;
}

export const systemProcesses: Processes = {
  platform: process.platform,
  pid: process.pid,
  self: () => ({
    pid: process.pid,
    started: statOf(process.pid)?.[STARTED] ?? null,
    host: hostname(),
    boot: ask(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
    namespace: ask(() => readlinkSync('/proc/self/ns/pid')),
  }),
  isAlive({ pid, started }) {
    try {
      process.kill(pid, 0);
    } catch (error) {
      // EPERM: it lives, and is another user's.
      if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
    }
    const stat = statOf(pid);
    // Killed, and its parent has not asked for its end yet, which in a container without an init it may never do.
    if (stat?.[STATE] === 'Z' || stat?.[STATE] === 'X') return false;
    const now = stat?.[STARTED] ?? null;
    return now === null || started === null || now === started;
  },
  user() {
    try {
      return userInfo().username;
    } catch {
      // A uid without an entry in the list of users.
      return process.getuid?.().toString() ?? null;
    }
  },
};

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
