/** The example of docs/library.md: the same text as there, built as a TypeScript project on the package, and run. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createSimulator, type Simulator } from '../../src/index.js';
import { blocksOf } from '../docs/documents.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const EXAMPLE = join(ROOT, 'examples', 'web-backend');
const manifest = [{ sn: 'AIR1', product_version: '1.0', pid: 'DOCK1' }];

let folder: string;
let simulator: Simulator;
let server: ChildProcess;
let url: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dji-ota-backend-'));
  await cp(EXAMPLE, folder, { recursive: true });
  await mkdir(join(folder, 'node_modules', '@types'), { recursive: true });
  await symlink(ROOT, join(folder, 'node_modules', 'dji-ota'));
  await symlink(join(ROOT, 'node_modules', '@types', 'node'), join(folder, 'node_modules', '@types', 'node'));
  execFileSync(process.execPath, [join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', folder]);
  simulator = await createSimulator({ docks: manifest, speed: 20 });
  server = spawn(process.execPath, ['dist/server.js'], {
    cwd: folder,
    env: { PATH: process.env.PATH, BROKER: simulator.url, PORT: '0', DJI_OTA_HOME: join(folder, 'home') },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (!server.stdout) throw new Error('the server has no output');
  [url] = (await once(createInterface(server.stdout), 'line')) as [string];
});

afterAll(async () => {
  server?.kill('SIGKILL');
  await simulator?.close();
  await rm(folder, { recursive: true, force: true });
});

function start(body: unknown, type = 'application/json'): Promise<Response> {
  return fetch(`${url}/runs`, { method: 'POST', headers: { 'content-type': type }, body: JSON.stringify(body) });
}

async function ask(path: string, method = 'GET'): Promise<unknown> {
  return (await fetch(url + path, { method })).json();
}

/** The events of a run, until it has ended. */
async function eventsOf(run: string): Promise<{ event: string; data: Record<string, unknown> }[]> {
  const text = await (await fetch(`${url}/runs/${run}/events`)).text();
  return [...text.matchAll(/^event: (.*)\ndata: (.*)\n\n/gm)].map(([, event = '', data = '']) => ({
    event,
    data: JSON.parse(data) as Record<string, unknown>,
  }));
}

test('the page shows the file as it is', () => {
  const text = readFileSync(join(ROOT, 'docs', 'library.md'), 'utf8');
  const programs = blocksOf({ name: 'docs/library.md', text }).filter(({ language }) => language === 'ts');
  expect(programs.map((block) => block.text)).toContain(readFileSync(join(EXAMPLE, 'server.ts'), 'utf8'));
});

test('a push over HTTP: started, streamed, listed', async () => {
  const response = await start({ manifest });
  expect(response.status).toBe(202);
  const { run } = (await response.json()) as { run: string };
  const events = await eventsOf(run);
  expect(events[0]?.event).toBe('snapshot');
  expect(events.map(({ event }) => event)).toEqual(expect.arrayContaining(['device_progress', 'run_finished']));
  const ended = { run, exit_code: 0, totals: expect.objectContaining({ ok: 1 }), error: null };
  expect(events.at(-1)).toEqual({ event: 'end', data: ended });
  expect(await ask('/runs')).toEqual([ended]);
  expect(await ask(`/runs/${run}`)).toMatchObject({ ...ended, snapshot: { devices: [{ sn: 'AIR1', status: 'ok' }] } });
  // A client that connects afterwards gets the result.
  expect((await eventsOf(run)).map(({ event }) => event)).toEqual(['snapshot', 'end']);
});

test('a push is ended over HTTP, and can be resumed', async () => {
  const { run } = (await (await start({ manifest })).json()) as { run: string };
  const events = eventsOf(run);
  await ask(`/runs/${run}`, 'DELETE');
  expect((await events).at(-1)?.data).toMatchObject({ exit_code: 130, error: { code: 'interrupted' } });
});

test('what is wrong with a request is said, and begins nothing', async () => {
  const before = await ask('/runs');
  const wrong = await start({ manifest: [{ sn: 'AIR1', pid: 'DOCK1' }] });
  expect(wrong.status).toBe(400);
  expect(await wrong.json()).toMatchObject({ code: 'manifest_invalid', details: [expect.stringContaining('AIR1')] });
  const statuses = await Promise.all([
    start({}).then(({ status }) => status),
    start({ manifest: 'server-file.json' }).then(({ status }) => status),
    start({ manifest: [{ ...manifest[0], file: '/etc/passwd' }] }).then(({ status }) => status),
    start({ manifest }, 'text/plain').then(({ status }) => status),
    fetch(`${url}/runs/nothing`).then(({ status }) => status),
    fetch(`${url}/elsewhere`).then(({ status }) => status),
  ]);
  expect(statuses).toEqual([400, 400, 400, 415, 404, 404]);
  expect(await ask('/runs')).toEqual(before);
});

test('it ends by SIGTERM, with a run under way', async () => {
  await start({ manifest });
  server.kill('SIGTERM');
  expect(await once(server, 'exit')).toEqual([0, null]);
});
