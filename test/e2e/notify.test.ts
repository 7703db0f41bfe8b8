/** Webhooks of real runs: what a receiver gets, and that nobody else gets it. */
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { CloudEvent } from '../../src/render/notify/messages.js';
import { makeCertificates } from '../helpers/certificates.js';
import { environment } from '../helpers/cli.js';
import { FAST } from '../helpers/cli-docks.js';
import { inside } from '../helpers/inside.js';

const KEY = Buffer.from('0123456789abcdef0123456789abcdef');
const SECRET = `whsec_${KEY.toString('base64')}`;
const TOKEN = 'T0P-s3cr3t-t0k3n';

interface Received {
  headers: IncomingMessage['headers'];
  url: string;
  method: string;
  body: string;
  message: CloudEvent;
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dji-ota-notify-'));
  const failing = { end: 'failed', end_step: 'upgrade_firmware', end_percent: 64, end_result: 312023 };
  await writeFile(path.join(folder, 'ok.json'), JSON.stringify({ defaults: FAST }));
  await writeFile(path.join(folder, 'failed.json'), JSON.stringify({ defaults: { ...FAST, ...failing } }));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

/** A receiver. `answer` decides its response. */
async function receiver(
  answer: (response: ServerResponse) => void = (response) => void response.end(),
  tls: { cert: Buffer; key: Buffer } | null = null,
): Promise<{ url: string; got: Received[] }> {
  const got: Received[] = [];
  const listener = async (request: IncomingMessage, response: ServerResponse) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const { headers, url = '', method = '' } = request;
    got.push({ headers, url, method, body, message: JSON.parse(body) });
    answer(response);
  };
  const server = tls === null ? createServer(listener) : createSecureServer(tls, listener);
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const scheme = tls === null ? 'http' : 'https';
  return {
    url: `${scheme}://127.0.0.1:${(server.address() as { port: number }).port}/hook/${TOKEN}?key=${TOKEN}`,
    got,
  };
}

/** Pushes the package's example manifest to docks that follow the scenario. */
const push = ([scenario, ...args]: string[], env: Record<string, string> = {}) =>
  inside(['push', '--simulate', path.join(folder, `${scenario}.json`), ...args], environment(folder, env)).ended;

/** Everything that the program has written to its folders. */
async function kept(): Promise<string> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true });
  const texts = files.filter((file) => file.isFile()).map((file) => readFile(path.join(file.parentPath, file.name)));
  return Buffer.concat(await Promise.all(texts)).toString('latin1');
}

test('start, ends of waves and end come signed, and only the end after a run that went well', async () => {
  const { url, got } = await receiver();
  const report = path.join(folder, 'night.html');
  const args = ['ok', '--waves', '1,100%', '--notify', url, '--report', report];
  const ended = await push(args, { DJI_OTA_NOTIFY_SECRET: SECRET });
  expect(ended, ended.stderr).toMatchObject({ code: 0 });
  expect(got.map(({ message }) => message.type)).toEqual([
    'dji-ota.run_started',
    'dji-ota.wave_finished',
    'dji-ota.wave_finished',
    'dji-ota.run_finished',
  ]);
  for (const { headers, body, method, url: path_, message } of got) {
    expect(method).toBe('POST');
    expect(path_).toBe(`/hook/${TOKEN}?key=${TOKEN}`);
    expect(headers['content-type']).toBe('application/cloudevents+json');
    const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
    expect(headers['webhook-signature']).toBe(`v1,${createHmac('sha256', KEY).update(signed).digest('base64')}`);
    expect(message).toMatchObject({
      specversion: '1.0',
      id: headers['webhook-id'],
      data: { simulated: true, schema: 1 },
    });
  }
  expect(new Set(got.map(({ message }) => message.id)).size).toBe(4);
  expect(got.at(-1)?.message.data).toMatchObject({
    exit_code: 0,
    failed_serials: [],
    reports: [report],
    totals: { ok: 4 },
  });
});

test('failed devices are named; the address comes from the environment, and is a secret everywhere', async () => {
  const { url, got } = await receiver();
  const { url: broken } = await receiver((response) => void response.writeHead(302, { location: url }).end());
  const args = ['failed', '--output', 'json', '--verbose', '--report', path.join(folder, 'night.json')];
  const ended = await push(args, { DJI_OTA_NOTIFY: `${url} ${broken}` });
  expect(ended, ended.stderr).toMatchObject({ code: 1 });
  const { data } = (got.at(-1) as Received).message;
  const { failed_serials } = data as unknown as { failed_serials: string[] };
  expect(failed_serials.length).toBeGreaterThan(0);
  expect(failed_serials.length).toBe(data.count);
  // A redirect is not followed, but reported.
  expect(got.every(({ message }) => message.data.run === data.run)).toBe(true);
  expect(new Set(got.map(({ message }) => message.id)).size).toBe(got.length);
  expect(`${ended.stdout}${ended.stderr}`).toContain('webhook 2 of 2 (--notify) answered 302, a redirect');
  expect(ended.stdout.trimEnd().split('\n').at(-1)).toContain('"event":"run_finished"');
  expect(`${ended.stdout}${ended.stderr}${await kept()}`).not.toContain(TOKEN);
});

test('--ca names the authority of a receiver, as it does that of a firmware store', async () => {
  const { ca, server } = makeCertificates();
  const file = path.join(folder, 'ca.pem');
  await writeFile(file, ca.cert);
  const { url, got } = await receiver(undefined, server);
  const known = await push(['ok', '--notify', url, '--ca', file]);
  expect(known, known.stderr).toMatchObject({ code: 0 });
  expect(got.map(({ message }) => message.type)).toEqual(['dji-ota.run_started', 'dji-ota.run_finished']);
  expect(known.stderr).not.toContain('warning');
});

test('a receiver that is not there, or sends without end, changes neither exit code nor result', async () => {
  const { url: endless, got } = await receiver((response) => {
    const more = () => {
      while (response.write('x'.repeat(65_536)));
    };
    response.on('drain', more);
    more();
  });
  const ended = await push(['ok', '--notify', endless]);
  expect(ended, ended.stderr).toMatchObject({ code: 0 });
  expect(got).toHaveLength(2);
  expect(ended.stderr).not.toContain('warning');
});

test('nothing is told of a dry run, nor of a named run that has ended already', async () => {
  const { url, got } = await receiver();
  await push(['ok', '--dry-run', '--notify', url]);
  expect(got).toEqual([]);
  const named = ['ok', '--run', 'night', '--notify', url];
  expect(await push(named)).toMatchObject({ code: 0 });
  expect(got).toHaveLength(2);
  expect(await push(named)).toMatchObject({ code: 0 });
  expect(got).toHaveLength(2);
});

test.each([
  [['--notify', `ftp://h/${TOKEN}`], {}, '--notify is not an http or https URL'],
  [['--notify', `${TOKEN}`], {}, '--notify is not an http or https URL'],
  [[], { DJI_OTA_NOTIFY: TOKEN }, 'DJI_OTA_NOTIFY is not an http or https URL'],
  [
    ['--notify', 'http://127.0.0.1:1'],
    { DJI_OTA_NOTIFY_SECRET: `whsec_$${TOKEN}` },
    'DJI_OTA_NOTIFY_SECRET has no base64',
  ],
])('%j is a usage error that shows no secret', async (args, env, message) => {
  const ended = await push(['ok', ...args], env);
  expect(ended).toMatchObject({ code: 2 });
  expect(ended.stderr).toContain(message);
  expect(ended.stderr).not.toContain(TOKEN);
});
