/** A small web backend that uses dji-ota: starts pushes, lists them, streams their events, shows their state, and ends them. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type ManifestEntry, OtaError, push, type Run, type RunResult, readManifest } from 'dji-ota';

interface Started {
  run: Run;
  abort: AbortController;
  /** Null while the run goes on. */
  result: RunResult | null;
  /** The error of a run that has no result. */
  failure: unknown;
}

const broker = { url: process.env.BROKER ?? 'mqtt://127.0.0.1:1883', password: process.env.BROKER_PASSWORD };
// With a home folder each run keeps a journal, from which it can be resumed after a crash.
const home = process.env.DJI_OTA_HOME ?? 'dji-ota';
const runs = new Map<string, Started>();

async function start(body: unknown): Promise<Started> {
  const { manifest } = (body ?? {}) as { manifest?: ManifestEntry[] };
  if (!Array.isArray(manifest)) throw new OtaError('usage', 'manifest has to be a list of devices');
  // A client must not name files on this server's disk.
  if (manifest.some((device) => device?.file !== undefined)) throw new OtaError('usage', 'file is not allowed');
  // Reports all errors of the devices at once.
  await readManifest(manifest);
  const abort = new AbortController();
  const run = push({ manifest, broker, home, preflight: 'warn', verify: 'report', signal: abort.signal });
  const started: Started = { run, abort, result: null, failure: null };
  runs.set(run.id, started);
  run.result.then(
    (result) => {
      started.result = result;
    },
    (error: unknown) => {
      started.failure = error;
    },
  );
  return started;
}

/** A run as it is shown in the list, and at the end of its events. */
function shown({ run, result, failure }: Started) {
  const error = result?.error ?? failure;
  return {
    run: run.id,
    exit_code: result?.exit_code ?? null,
    totals: result?.totals ?? run.snapshot()?.totals ?? null,
    error: error ? said(error) : null,
  };
}

function said(error: unknown) {
  if (!(error instanceof OtaError)) return { code: 'internal', message: 'an error of the server' };
  const { code, message, hint, details } = error;
  return { code, message, hint: hint ?? null, details };
}

/** Server-sent events: the state of the run, then each of its events, and finally how it ended. */
async function stream(started: Started, response: ServerResponse): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  const send = (event: string, data: unknown) => response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  send('snapshot', started.run.snapshot());
  try {
    for await (const event of started.run) {
      send(event.event, event);
      // The browser is gone, or too slow. EventSource reconnects and gets a new snapshot.
      if (response.destroyed || response.writableLength > 1_000_000) return void response.destroy();
    }
  } catch (error) {
    started.failure = error;
  }
  send('end', shown(started));
  response.end();
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const piece of request.setEncoding('utf8')) {
    text += piece;
    if (text.length > 1_000_000) throw new OtaError('usage', 'the request is too large');
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new OtaError('usage', 'the request is no JSON');
  }
}

function answer(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = /^\/runs(?:\/([\w.-]+))?(\/events)?$/.exec(request.url ?? '');
  if (!path) return answer(response, 404, null);
  const [, id, events = ''] = path;
  const what = `${request.method} /runs${id ? '/id' : ''}${events}`;
  if (what === 'POST /runs') {
    // Pages of other sites cannot send this content type without a preflight request.
    if (request.headers['content-type'] !== 'application/json') return answer(response, 415, null);
    return answer(response, 202, shown(await start(await bodyOf(request))));
  }
  if (what === 'GET /runs') return answer(response, 200, [...runs.values()].map(shown));
  const started = runs.get(id ?? '');
  if (!started) return answer(response, 404, null);
  if (what === 'GET /runs/id') return answer(response, 200, { ...shown(started), snapshot: started.run.snapshot() });
  if (what === 'GET /runs/id/events') return stream(started, response);
  if (what === 'DELETE /runs/id') {
    started.abort.abort(new Error('ended over HTTP'));
    return answer(response, 202, shown(started));
  }
  answer(response, 405, null);
}

const server = createServer((request, response) => {
  handle(request, response).catch((error: unknown) => {
    if (response.headersSent) response.destroy();
    else answer(response, error instanceof OtaError && error.exitCode === 2 ? 400 : 500, said(error));
  });
});

server.listen(Number(process.env.PORT ?? 8080), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});

// Docks continue upgrades that were sent; `dji-ota resume` follows them to their end.
process.on('SIGTERM', async () => {
  server.close();
  for (const { abort } of runs.values()) abort.abort(new Error('the server ends'));
  await Promise.allSettled([...runs.values()].map(({ run }) => run.result));
  server.closeAllConnections();
});
