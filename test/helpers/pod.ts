/**
 * A container like those of Kubernetes, made with Linux namespaces as root: its own processes, mounts and host name, a
 * read-only root file system, and a user without a passwd entry.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const NAMESPACES = ['--mount', '--uts', '--ipc', '--pid', '--fork', '--kill-child'];

export interface PodMount {
  /** A local folder, and its path in the pod. */
  from: string;
  at: string;
  readOnly: boolean;
}

export interface PodOptions {
  hostname: string;
  uid: number;
  gid: number;
  env: Record<string, string>;
  mounts: PodMount[];
  command: string[];
}

export interface Pod {
  readonly output: string;
  /** Resolves when `text` was written, or the pod has ended. */
  said(text: string): Promise<void>;
  /** Sends a signal to its first process, as a kubelet does. */
  signal(signal: 'SIGTERM' | 'SIGKILL'): void;
  /** The exit code; for a signal 128 plus its number. */
  ended: Promise<number>;
}

// $0: the node, the package, uid, gid, host name, and three words for each mount; after -- the command.
const SETUP = `
node=$1 package=$2 uid=$3 gid=$4; shift 4
hostname "$1"; shift
root=$(pwd)/root
mount -t tmpfs -o size=4m,mode=755 tmpfs "$root"
cd "$root"
for each in usr etc dev; do mkdir $each; mount --rbind /$each $each; done
for each in usr etc; do mount -o remount,bind,ro $each; done
for each in bin sbin lib lib64; do if [ -e /$each ]; then cp -a /$each . 2>/dev/null || { mkdir $each; mount --rbind /$each $each; }; fi; done
mkdir proc package shim; mount -t proc proc proc; mount --bind "$package" package; mount -o remount,bind,ro package
touch node; mount --bind "$node" node
printf '#!/bin/sh\\nexec /node /package/bin/dji-ota.js "$@"\\n' >shim/dji-ota; chmod 755 shim/dji-ota
while [ "$1" != -- ]; do
  mkdir -p ".$2"; mount --bind "$1" ".$2"
  if [ "$3" = ro ]; then mount -o remount,bind,ro ".$2"; fi
  shift 3
done
shift
mount -o remount,ro "$root"
exec chroot "$root" setpriv --reuid "$uid" --regid "$gid" --clear-groups --no-new-privs --bounding-set=-all "$@"
`;

/**
 * Starts a pod.
 * @param work a folder for the pod's root, whose content only the pod sees
 */
export function startPod(work: string, { hostname, uid, gid, env, mounts, command }: PodOptions): Pod {
  const binds = mounts.flatMap(({ from, at, readOnly }) => [from, at, readOnly ? 'ro' : 'rw']);
  const setup = ['sh', '-ec', `mkdir -p root; ${SETUP}`, 'pod', process.execPath, ROOT, String(uid), String(gid)];
  const child = spawn('unshare', [...NAMESPACES, ...setup, hostname, ...binds, '--', ...command], {
    cwd: work,
    env: { PATH: '/shim:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin', HOSTNAME: hostname, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const waiting = new Set<() => void>();
  const look = () => {
    for (const each of [...waiting]) each();
  };
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (text) => {
      output += text;
      look();
    });
  }
  let over = false;
  const ended = once(child, 'close').then(([code, signal]) => {
    over = true;
    look();
    return signal === null ? Number(code) : 137;
  });
  return {
    get output() {
      return output;
    },
    said: (text) =>
      new Promise((resolve) => {
        const check = () => {
          if (!over && !output.includes(text)) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
      }),
    signal(signal) {
      if (!over) process.kill(firstProcess(child), signal);
    },
    ended,
  };
}

function firstProcess({ pid }: ChildProcess): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ')[0]) || Number(pid);
}

/** Whether this machine allows it. */
export const podsPossible =
  process.getuid?.() === 0 &&
  spawnSync('unshare', [...NAMESPACES, 'sh', '-ec', 'mount -t tmpfs tmpfs /mnt; setpriv --reuid 10001 true'], {
    cwd: tmpdir(),
  }).status === 0;
