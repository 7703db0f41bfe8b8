/** Docks that replay a recording, and answer the upgrade requests of a new client. */
import { type Clock, systemClock } from '../clock.js';
import { parseObject, text } from '../protocol/messages.js';
import { parseTopic, topicOf } from '../protocol/topics.js';
import type { Line, Part, Script } from '../recording/script.js';
import { type EmbeddedBroker, type EmbeddedBrokerOptions, startBroker } from './broker.js';
import type { DockEvent } from './dock/dock-events.js';
import type { DockMessage } from './dock/messages.js';
import { readRequest } from './dock/request.js';
import type { DockConnection } from './fleet.js';
import { sharedClock } from './timers.js';

/** Real milliseconds. A client subscribes in several steps before it receives everything. */
const LEAD_IN = 500;

interface ReplayOptions {
  scripts: readonly Script[];
  /** How many times faster than recorded; default 1. */
  speed?: number | undefined;
  clock?: Clock | undefined;
  onEvent?: ((pid: string, event: DockEvent) => void) | undefined;
}

interface Replay {
  /** Starts every dock, also those that were started before. */
  begin(): void;
  /** A client subscribes to this dock's requests: it wants to watch the recorded upgrades, and will not send requests. */
  watched(pid: string): void;
  receive(topic: string, payload: Uint8Array): void;
  stop(): void;
}

/** Creates a replay. A dock waits for `publish` before its next message. */
export function createReplay(options: ReplayOptions, publish: (message: DockMessage) => Promise<unknown>): Replay {
  const real = options.clock ?? systemClock;
  const clock = sharedClock(real, options.speed);
  let cancel = () => {};
  const docks = new Map(
    options.scripts.map((script) => {
      const tell = (event: DockEvent) => options.onEvent?.(script.pid, event);
      return [script.pid, replayedDock(script, clock, publish, tell)];
    }),
  );
  return {
    begin() {
      cancel();
      for (const dock of docks.values()) dock.reset();
      cancel = real.after(LEAD_IN, () => {
        for (const dock of docks.values()) dock.begin();
      });
    },
    watched: (pid) => docks.get(pid)?.watched(),
    receive(topic, payload) {
      const parsed = parseTopic(topic);
      if (parsed?.kind === 'services') docks.get(parsed.serial)?.asked(payload);
    },
    stop() {
      cancel();
      for (const dock of docks.values()) dock.reset();
      clock.cancelAll();
    },
  };
}

function replayedDock(
  script: Script,
  clock: Clock,
  publish: (message: DockMessage) => Promise<unknown>,
  tell: (event: DockEvent) => void,
) {
  const { parts } = script;
  const recorded = new Set(parts.map(({ request }) => request?.tid));
  // The ids that replace the recorded ones from now on.
  let ids = new Map<string, string>();
  let current = 0;
  let cursor = 0;
  let answered: string | null = null;
  let isWatched = false;
  let began = false;
  // Increased when another part begins, so that messages which still wait are dropped.
  let turn = 0;

  const say = ({ topic, payload, qos }: Line) => {
    const message = { topic, payload: renamed(payload, ids), qos: qos === 0 ? 0 : 1, retain: false } as const;
    return publish(message).catch(() => {});
  };

  async function play(part: Part): Promise<void> {
    const mine = turn;
    const begun = clock.now();
    for (; cursor < part.lines.length; cursor++) {
      const line = part.lines[cursor] as Line;
      const ms = begun + line.at - clock.now();
      if (ms > 0) await new Promise<void>((done) => clock.after(ms, done));
      if (mine !== turn) return;
      if (!line.isRequest || isWatched) await say(line);
      if (mine !== turn) return;
    }
    const next = parts[current + 1];
    if (next && (isWatched || script.implied)) {
      const ms = begun + next.begins - part.begins - clock.now();
      if (ms > 0) await new Promise<void>((done) => clock.after(ms, done));
      if (mine !== turn) return;
      return start(current + 1);
    }
    tell({ event: 'replay', state: next ? 'waiting' : 'over' });
  }

  function start(index: number): Promise<void> {
    began = true;
    turn++;
    current = index;
    cursor = 0;
    return play(parts[index] ?? parts[0]);
  }

  return {
    /** Returns to the state before the start. */
    reset() {
      turn++;
      current = cursor = 0;
      began = false;
      ids = new Map();
      answered = null;
      isWatched = false;
    },
    begin() {
      // A request starts the replay at once.
      if (!began) start(0).catch(() => {});
    },
    watched() {
      if (isWatched) return;
      isWatched = true;
      // The part is complete, so continue with the next one.
      if (began && cursor >= (parts[current]?.lines.length ?? 0) && parts[current + 1])
        start(current + 1).catch(() => {});
    },
    asked(payload: Uint8Array) {
      const request = parseObject(payload);
      if (request?.method !== 'ota_create') return;
      const [tid, bid] = [text(request.tid), text(request.bid)];
      // A copy from the broker, or a message of this replay.
      if (tid === null || tid === answered || recorded.has(tid)) return;
      answered = tid;
      const asked = readRequest(payload);
      if (asked) tell({ event: 'request_received', ...asked, devices: 'devices' in asked ? asked.devices : [] });
      const last = current >= parts.length - 1;
      const index = last ? 1 : current + 1;
      const part = parts[index];
      if (!part) {
        tell({ event: 'replay', state: 'no_answer' });
        return;
      }
      tell({ event: 'replay', state: last && current > 0 ? 'answering_again' : 'answering' });
      // Changes that were recorded before the request have happened by now, so send them first.
      const missed = last ? [] : (parts[current]?.lines.slice(cursor) ?? []);
      turn++;
      const mine = turn;
      const catchUp = async () => {
        for (const line of missed) {
          if (parseTopic(line.topic)?.kind !== 'osd' && !line.isRequest) await say(line);
          if (mine !== turn) return;
        }
        if (part.request?.tid) ids.set(part.request.tid, tid);
        if (part.request?.bid && bid !== null) ids.set(part.request.bid, bid);
        await start(index);
      };
      catchUp().catch(() => {});
    },
  };
}

/** `payload` with the recorded ids replaced, and every other byte unchanged. */
function renamed(payload: string | Buffer, ids: ReadonlyMap<string, string>): string | Buffer {
  if (typeof payload !== 'string') return payload;
  let out = payload;
  for (const [from, to] of ids) out = out.replaceAll(JSON.stringify(from), () => JSON.stringify(to));
  return out;
}

/** Starts a broker in this process with recorded docks, which begin when a client subscribes. @throws OtaError `usage` */
export async function startReplay(
  options: ReplayOptions & Omit<EmbeddedBrokerOptions, 'onSubscribe'>,
): Promise<Pick<EmbeddedBroker, 'url' | 'wsUrl' | 'port' | 'close'>> {
  const replay = createReplay(options, (message) => broker.publish(message));
  const broker = await startBroker({
    ...options,
    onSubscribe({ topics, isNew }) {
      if (isNew) replay.begin();
      for (const topic of topics) {
        const { kind, serial = '' } = parseTopic(topic) ?? {};
        if (kind === 'services') for (const pid of serial === '+' ? pids : [serial]) replay.watched(pid);
      }
    },
  });
  const pids = options.scripts.map(({ pid }) => pid);
  for (const { retained } of options.scripts)
    for (const { topic, payload, qos } of retained)
      await broker.publish({ topic, payload, qos: qos === 0 ? 0 : 1, retain: true });
  await broker.subscribe(topicOf('services', '+'), replay.receive);
  return {
    url: broker.url,
    wsUrl: broker.wsUrl,
    port: broker.port,
    close() {
      replay.stop();
      return broker.close();
    },
  };
}

/**
 * Attaches recorded docks to another broker by `connection`. The caller passes messages to the result. @throws what it throws
 */
export async function attachReplay(options: ReplayOptions, connection: DockConnection): Promise<Replay> {
  const replay = createReplay(options, ({ topic, payload, qos }) =>
    connection.publish(topic, typeof payload === 'string' ? payload : Buffer.from(payload), { qos }),
  );
  await connection.subscribe(options.scripts.map(({ pid }) => topicOf('services', pid)));
  replay.begin();
  return replay;
}
