/** A run that is killed at chosen points and resumed until it is over, observed from outside. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { vi } from 'vitest';
import { type JournalContent, listRuns, readJournal } from '../../src/journal/read.js';
import { clientIdOf } from '../../src/settings/connection/load-connection.js';
import type { TargetDevice } from '../../src/simulator/scenario/configs.js';
import type { Scenario } from '../../src/simulator/scenario/scenario.js';
import { type CliResult, type Workplace, workplace } from './cli.js';
import { type Client, docksFor, listen, someDevices } from './cli-docks.js';
import { hasSession } from './has-session.js';
import type { Mosquitto } from './mosquitto.js';

const PRELOAD = fileURLToPath(new URL('./crash.js', import.meta.url));

export interface CrashPoint {
  n: number;
  side: 'before' | 'after';
}

export interface CrashCase {
  mqttVersion: '5' | '3.1.1';
  /** The last dock fails, so that the exit code of the undisturbed run is 1. */
  failing: boolean;
}

export interface CrashOutcome {
  /** Whether the program was killed, or ended before. */
  killed: boolean;
  /** Null if nothing had been recorded, so that the push was started again. */
  resumes: number | null;
  /** A job was recorded, but its request never left the program. */
  uncertain: 'none' | 'delivered' | 'undelivered';
  exitCode: number | null;
  /** For each device, in the manifest's order. */
  statuses: string[];
  /** How often each device was in an `ota_create` that reached the broker. */
  published: number[];
  /** The exit codes of all processes. */
  codes: (number | null)[];
  /** The errors of the last process. */
  errors: string[];
  sessionLeft: boolean;
}

/** The points of an undisturbed run, in order. */
export async function pointsOf(broker: Mosquitto, of: CrashCase): Promise<{ points: string[]; outcome: CrashOutcome }> {
  const log = 'points.txt';
  const { outcome, folder, close } = await play(broker, of, { CRASH_LOG: log });
  try {
    return { outcome, points: (await readFile(join(folder, log), 'utf8')).split('\n') };
  } finally {
    await close();
  }
}

/** Kills the push at `first` and, if given, the first resume at `second`. */
export async function crashRun(
  broker: Mosquitto,
  of: CrashCase,
  first: CrashPoint,
  second?: CrashPoint,
): Promise<CrashOutcome> {
  const env = (point: CrashPoint | undefined) =>
    point ? { CRASH_AT: `${point.n}:${point.side}` } : ({} as Record<string, string>);
  const { outcome, close } = await play(broker, of, env(first), env(second));
  await close();
  return outcome;
}

async function play(
  broker: Mosquitto,
  of: CrashCase,
  first: Record<string, string>,
  second: Record<string, string> = {},
): Promise<{ outcome: CrashOutcome; folder: string; close(): Promise<void> }> {
  const place = await workplace();
  const { devices, docks } = fleet(of.failing);
  const seen = await listen(
    broker.url,
    [...new Set(devices.map(({ pid }) => pid))].map((pid) => `thing/product/${pid}/services`),
  );
  const endDocks = await docksFor(broker.url, devices, { docks });
  const close = async () => {
    await endDocks();
    await seen.close();
    await place.close();
  };
  try {
    const outcome = await toTheEnd({ place, broker, seen, devices, of }, first, second);
    return { outcome, folder: place.folder, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Three gateways. The first has three devices, and so two jobs, one after the other. */
function fleet(failing: boolean): { devices: (TargetDevice & { sn: string })[]; docks: Scenario['docks'] } {
  const [a, b, c] = someDevices(3) as [TargetDevice & { sn: string }, ...(TargetDevice & { sn: string })[]];
  const more = ['X', 'Y'].map((name) => ({ ...a, sn: `${a.pid}${name}` }));
  const end = { end: 'failed', end_step: 'upgrade_firmware', end_percent: 50, end_result: 312028 } as const;
  const docks = failing && c ? [{ pid: c.pid, behavior: end }] : [];
  return { devices: [a, ...more, ...[b, c].flatMap((each) => each ?? [])], docks };
}

interface Scene {
  place: Workplace;
  broker: Mosquitto;
  seen: Client;
  devices: (TargetDevice & { sn: string })[];
  of: CrashCase;
}

async function toTheEnd(
  scene: Scene,
  first: Record<string, string>,
  second: Record<string, string>,
): Promise<CrashOutcome> {
  const { place, broker, seen, devices, of } = scene;
  const manifest = await place.put('fleet.json', devices);
  const node = ['--import', PRELOAD];
  const output = ['--output', 'json'];
  const push = ['push', manifest, '--broker', broker.url, '--mqtt-version', of.mqttVersion, '--concurrency', '2'];
  const started = await place.spawn([...push, ...output], { node, env: first }).ended;
  let last = started;
  let resumes: number | null = 0;
  let uncertain: CrashOutcome['uncertain'] = 'none';
  const codes = [started.code];
  while (last.code === null) {
    const journal = await journalOf(place);
    if (!journal) {
      // Nothing was recorded, so nothing can have been published. Only the push itself can be started again.
      resumes = null;
      last = await place.spawn([...push, ...output]).ended;
      codes.push(last.code);
      break;
    }
    await gone(broker, journal);
    await settled(seen);
    const doubtful = doubtfulJobs(journal);
    const lost = doubtful.filter((bid) => !seen.creates().some((create) => create.bid === bid));
    if (doubtful.length > 0 && uncertain !== 'undelivered') uncertain = lost.length > 0 ? 'undelivered' : 'delivered';
    // There is no reply to a request that was not sent. All other limits are long enough.
    const limit = lost.length > 0 ? ['--reply-timeout', '2s'] : [];
    const again: Record<string, string> = resumes === 0 ? second : {};
    // It was killed after its last line. The run is finished, but can still be resumed by its name.
    const named = journal.finished?.complete ? [journal.header.run] : [];
    last = await place.spawn(['resume', ...named, ...limit, ...output], { node, env: again }).ended;
    resumes++;
    codes.push(last.code);
    if (last.code !== null && lost.length > 0) {
      const statuses = statusesOf(last);
      if (!statuses.includes('unknown')) throw new Error(`what was never sent is no unknown: ${statuses}`);
      last = await place.spawn(['resume', '--republish-uncertain', ...output]).ended;
      codes.push(last.code);
    }
  }
  const content = await journalOf(place);
  return {
    killed: started.code === null,
    resumes,
    uncertain,
    exitCode: last.code,
    statuses: statusesOf(last),
    published: devices.map(({ sn }) => timesPublished(seen, sn)),
    codes,
    errors: last.stdout.split('\n').filter((line) => line.includes('"event":"error"')),
    sessionLeft:
      content === null ||
      (await hasSession(broker.url, { clientId: clientIdOf(content.header.run), mqttVersion: of.mqttVersion })),
  };
}

async function journalOf(place: Workplace): Promise<JournalContent | null> {
  const [run] = await listRuns(join(place.folder, 'home', 'state', 'runs'));
  return run ? readJournal(run.file).catch(() => null) : null;
}

/** Jobs that were recorded before they were sent, and of which nothing else is known. */
function doubtfulJobs({ facts }: JournalContent): string[] {
  const heard = new Set<string | null>();
  for (const fact of facts) {
    if (fact.type === 'job_acknowledged') heard.add(fact.bid);
    if (fact.type === 'reply' || fact.type === 'progress') heard.add(fact.message.bid);
  }
  return facts.flatMap((fact) => (fact.type === 'job_opened' && !heard.has(fact.bid) ? [fact.bid] : []));
}

/** Waits until the broker has seen the end of the connection, and so has received everything from it. */
async function gone(broker: Mosquitto, { header }: JournalContent): Promise<void> {
  const id = clientIdOf(header.run);
  await vi.waitFor(
    () => {
      const said = broker.log().split('\n');
      const count = (pattern: RegExp) => said.filter((line) => line.includes(id) && pattern.test(line)).length;
      const open = count(/New client connected/) - count(/closed its connection|disconnected|already connected/);
      if (open > 0) throw new Error(`${id} is still connected`);
    },
    { timeout: 10_000, interval: 5 },
  );
}

let pings = 0;

/** Waits until the listener has received everything from the broker. */
async function settled(seen: Client): Promise<void> {
  const topic = `test/settled/${process.pid}/${++pings}`;
  await seen.mqtt.subscribeAsync(topic, { qos: 1 });
  await seen.mqtt.publishAsync(topic, 'x', { qos: 1 });
  await seen.until(() => seen.seen.some((message) => message.topic === topic));
}

function timesPublished(seen: Client, sn: string): number {
  return seen.seen.filter(({ topic, text }) => topic.endsWith('/services') && snsOf(text).includes(sn)).length;
}

function snsOf(text: string): string[] {
  return JSON.parse(text).data.devices.map(({ sn }: { sn: string }) => sn);
}

function statusesOf({ stdout, stderr }: CliResult): string[] {
  const line = stdout.trimEnd().split('\n').at(-1) ?? '';
  if (!line.includes('"run_finished"')) throw new Error(`the run did not finish:\n${stdout}\n${stderr}`);
  return JSON.parse(line).devices.map(({ status }: { status: string }) => status);
}
