/** The processes of a machine, injected like time. Used to find out whether the holder of a lease is alive. */
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';

/** Identifies one process among all machines and containers. */
export interface ProcessName {
  pid: number;
  /**
   * When the process started, in the system's own unit: distinguishes it from a later one with the same pid. Null = not known.
   */
  started: string | null;
  host: string | null;
  /** The kernel's boot id and the PID namespace; null = the system has none. */
  boot: string | null;
  namespace: string | null;
}

/** What is used of the processes of a machine. */
export interface Processes {
  readonly platform: NodeJS.Platform;
  readonly pid: number;
  /** This process. */
  self(): ProcessName;
  /** Whether a process of this boot and PID namespace is running. `pid`: at least 1. */
  isAlive(process: Pick<ProcessName, 'pid' | 'started'>): boolean;
  /** The user of this process: the name, or the number if there is no name; null = neither is known. */
  user(): string | null;
}

/** The processes of this machine. */
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
      // EPERM: it is running, but belongs to another user.
      if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
    }
    const stat = statOf(pid);
    // A zombie. In a container without an init process it may stay one forever.
    if (stat?.[STATE] === 'Z' || stat?.[STATE] === 'X') return false;
    const now = stat?.[STARTED] ?? null;
    return now === null || started === null || now === started;
  },
  user() {
    try {
      return userInfo().username;
    } catch {
      // The uid has no passwd entry.
      return process.getuid?.().toString() ?? null;
    }
  },
};

// Indexes of the fields of /proc/<pid>/stat after the name, which may contain spaces and brackets.
const STATE = 0;
const STARTED = 19;

/** Null if the system has no such file, or if /proc shows another PID namespace (`unshare --pid`). */
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
