/** A mosquitto on a free port of 127.0.0.1, without limits. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';

export async function startBroker(folder) {
  const port = await freePort();
  const config = join(folder, 'mosquitto.conf');
  writeFileSync(
    config,
    `listener ${port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\nmax_inflight_messages 0\nlog_type error\n`,
  );
  const child = spawn(program(), ['-c', config], { stdio: 'ignore' });
  for (let tries = 0; tries < 200 && !(await answers(port)); tries++) await new Promise((done) => setTimeout(done, 25));
  return {
    url: `mqtt://127.0.0.1:${port}`,
    port,
    /** The processor time that it has used, in milliseconds. */
    cpu() {
      const [, user, system] = /\) (?:\S+ ){11}(\d+) (\d+)/.exec(readFileSync(`/proc/${child.pid}/stat`, 'utf8')) ?? [];
      return (Number(user) + Number(system)) * 10;
    },
    async stop() {
      const ended = once(child, 'exit');
      child.kill();
      await ended;
    },
  };
}

function program() {
  return process.env.MOSQUITTO ?? 'mosquitto';
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  return port;
}

function answers(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}
