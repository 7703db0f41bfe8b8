/** A program for shells to call, whose work is done in this process. */
import { once } from 'node:events';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import { inside } from './inside.js';

/**
 * Writes a bash script to `file` that passes its words and its environment to {@link inside}, which saves the start of the
 * program. The current folder is that of this process. Both streams go to standard output.
 * @returns a function that ends it
 */
export async function programShim(file: string, more: readonly string[] = []): Promise<() => void> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let asked = '';
    socket.setEncoding('utf8').on('data', async (chunk: string) => {
      asked += chunk;
      const [count, ...parts] = asked.split('\0').slice(0, -1);
      const words = parts.splice(0, Number(count));
      if (!parts.includes('')) return;
      const env = Object.fromEntries(parts.slice(0, -1).map((pair) => pair.split(/=(.*)/s)));
      const { code, stdout, stderr } = await inside([...words, ...more], env).ended;
      socket.end(`${code}\n${stdout}${stderr}`);
    });
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  await mkdir(dirname(file), { recursive: true });
  const script = [
    '#!/usr/bin/env bash',
    `exec 3<>/dev/tcp/127.0.0.1/${port}`,
    // The number of words, the words, the environment, and an empty entry at the end.
    `{ printf '%s\\0' "$#" "$@"; env -0; printf '\\0'; } >&3`,
    'read -r code <&3',
    'cat <&3',
    'exit "$code"',
  ];
  await writeFile(file, `${script.join('\n')}\n`);
  await chmod(file, 0o755);
  return () => void server.close();
}
