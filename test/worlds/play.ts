/** Plays a scene to its end, and reports broken promises. */
import { createHash } from 'node:crypto';
import type { Connect } from '../../src/app/context.js';
import { OtaError } from '../../src/errors.js';
import { createdBid, otaCreate, readProgress, readReply } from '../../src/protocol/messages.js';
import { isTerminal } from '../../src/protocol/statuses.js';
import { parseTopic, topicOf } from '../../src/protocol/topics.js';
import { clientIdOf } from '../../src/settings/connection/load-connection.js';
import { worldBroker } from './broker.js';
import { checkEnd, reopenCut } from './check-end.js';
import { checkPublish } from './check-publish.js';
import { checkTold, hasEnded } from './check-told.js';
import { connectTo, fallSilent } from './connection.js';
import { worldDisk } from './disk.js';
import { worldDock } from './docks.js';
import { asEarlierVersion } from './earlier-version.js';
import { type Job, type LifeFacts, runOf, type World } from './facts.js';
import { HOME, live, MANIFEST } from './life.js';
import type { Way } from './network.js';
import type { Planted } from './planted.js';
import { chanceOf, idOf } from './random.js';
import { type Fault, type Life, LONGEST_WORLD, type Scene, TARGET } from './scene.js';
import { eventInWords, type Story, storyOf } from './story.js';
import { processClock, worldTime } from './time.js';

export interface Violation {
  kind: string;
  text: string;
  /** World milliseconds. */
  at: number;
}

export interface Played {
  violations: Violation[];
  story: readonly string[];
  /** The faults that happened, by kind. */
  faults: Record<string, number>;
  /** How devices ended in the last process, by outcome; and processes, by exit code. */
  outcomes: Record<string, number>;
  exits: Record<string, number>;
  steps: number;
  /** Virtual milliseconds. */
  time: number;
  /** A digest of everything that happened. It is the same for two plays of one scene. */
  trace: string;
}

/** The most processes that are started after those of the scene, until the run has ended. */
const MORE_LIVES = 3;
/** Far more than any world has. */
const MOST_EVENTS = 300_000;

export async function play(
  scene: Scene,
  options: { listening: boolean; planted?: Planted; traced?: boolean },
): Promise<Played> {
  const { planted } = options;
  const time = worldTime();
  const chance = chanceOf(scene.seed, 2);
  const disk = worldDisk(time, chanceOf(scene.seed, 3));
  const broker = worldBroker(time, chance);
  const network: { silent: Way[] } = { silent: [] };
  const story: Story = storyOf(options.listening);
  const violations: Violation[] = [];
  const faults: Record<string, number> = {};
  const exits: Record<string, number> = {};
  const trace = options.traced ? createHash('md5') : null;
  const lives: LifeFacts[] = [];
  const skew: [number, number] = [0, Math.round(chance.between(-5000, 5000))];
  const boots = [0, 0];
  let pending = 0;
  let extra = 0;
  let stuck = false;

  const world: World = {
    ...{ scene, time, disk, broker, lives },
    docks: new Map(
      scene.docks.map((dock, index) => [
        dock.pid,
        worldDock(dock, {
          time,
          chance: chanceOf(scene.seed, 10 + index),
          broker,
          tell: (pid, what) => story.tell(time.now, pid, what),
        }),
      ]),
    ),
    runs: new Map(),
    claimedAt: new Map(),
    powerCuts: [],
    diskTroubled: false,
    violated(kind, text) {
      story.tell(time.now, '!!!', `${kind}: ${text}`);
      if (!violations.some((violation) => violation.kind === kind)) violations.push({ kind, text, at: time.now });
    },
  };
  const count = (of: Record<string, number>, key: string) => {
    of[key] = (of[key] ?? 0) + 1;
  };
  const nameOf = (life: LifeFacts) => `process ${life.pid}`;
  const aliveLives = () => lives.filter(({ alive }) => alive);

  disk.onTrouble = (what) => {
    world.diskTroubled = true;
    story.tell(time.now, 'disk', what);
  };
  disk.onWrite = (bytes) => {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (!text.includes('"type":"job_opened"')) return;
    for (const [, bid = ''] of text.toString().matchAll(/"bid":"([^"]+)"/g)) {
      if (!world.claimedAt.has(bid)) world.claimedAt.set(bid, time.now);
    }
  };
  disk.onWritten = (file, process) => {
    const life = lives.find((each) => each === process);
    if (!life || !file.endsWith('.jsonl')) return;
    if (life.journalWrittenAt === 0) life.journalSkew = skew[life.life.machine];
    life.journalWrittenAt = time.now;
  };
  broker.onPublish = ({ topic, payload, retained }) => {
    const parsed = parseTopic(topic);
    if (parsed?.kind === 'services') {
      const bid = createdBid(String(payload));
      for (const run of world.runs.values()) {
        const job = bid === null ? undefined : run.jobs.get(bid);
        if (job) job.taken = true;
      }
      story.tell(time.now, 'broker', `takes the request ${bid?.slice(0, 8)} for ${parsed.serial}`);
    }
    if (retained || (parsed?.kind !== 'services_reply' && parsed?.kind !== 'events')) return;
    for (const life of aliveLives()) {
      const { connection } = life;
      if (!connection?.ready || !connection.wire?.open || connection.wire.silent.toBroker) continue;
      const session = broker.sessions.get(connection.clientId);
      if (
        session?.wire === connection.wire &&
        !session.topics.has(topic) &&
        [...runOf(world, life.run ?? '').jobs.values()].some(({ pid }) => pid === parsed.serial)
      ) {
        world.violated('deaf', `${nameOf(life)} is connected and not subscribed to ${topic}`);
      }
    }
  };
  broker.onForgotten = (session, left) => {
    if (!left) return;
    for (const run of world.runs.values()) {
      if (clientIdOf(run.id) !== session.id) continue;
      // Of the process before: the next one asks again and has not connected yet.
      if (lives.some(({ run: of, alive, begunAt, connection }) => of === run.id && alive && begunAt && !connection))
        continue;
      const heard = (sn: string, job: Job) =>
        lives.some((life) =>
          life.heard.some(({ bid, last, sn: of }) => last && (bid ?? job.bid) === job.bid && (of ?? sn) === sn),
        );
      const open = [...run.devices].filter(([sn, { state, job }]) => state === 'open' && job?.taken && !heard(sn, job));
      if (open.length > 0)
        world.violated(
          'session given up',
          `the upgrade of ${open.map(([sn]) => sn).join(', ')} goes on, and nobody will hear of it`,
        );
    }
  };

  function connector(life: LifeFacts, run: string, how: { resumeSession: boolean; named: boolean }): Connect {
    return async (events, signal) => {
      const place = {
        time,
        chance,
        broker,
        network,
        process: life,
        onThrown: (error: unknown) => world.violated('bug', thrownText(error)),
      };
      const settings = {
        ...{
          clientId: clientIdOf(run),
          sessionExpiry: 24 * 3_600_000,
          resumeSession: how.resumeSession,
          connectTimeout: 10_000,
        },
        ...scene.connection,
      };
      const told = planted?.hears?.(events, life) ?? events;
      const heard: typeof events = {
        ...told,
        onMessage(message) {
          note(life, message.topic, message.payload, message.retained);
          told.onMessage(message);
        },
        onRestored(info) {
          life.restoredAt = time.now;
          told.onRestored?.(info);
        },
        onGone(error) {
          life.causes.add('gone');
          told.onGone?.(error);
        },
      };
      const connected = await connectTo(place, settings, heard, signal, (connection) => {
        life.connection = connection;
      });
      const watched = Object.create(connected) as typeof connected;
      watched.publish = (topic, payload) => {
        if (life.alive) {
          story.tell(time.now, nameOf(life), `publishes ${createdBid(payload)?.slice(0, 8)} on ${topic}`);
          checkPublish(world, life, topic, payload);
        }
        return connected.publish(topic, payload);
      };
      return planted?.speaks?.(watched, life) ?? watched;
    };
  }

  /** Records what a life received, by the rules of PROTOCOL. */
  function note(life: LifeFacts, topic: string, payload: Uint8Array, retained: boolean): void {
    const parsed = parseTopic(topic);
    if (retained || !parsed) return;
    const pid = parsed.serial;
    if (parsed.kind === 'osd') {
      const mode = /"mode_code":(\d+)/.exec(Buffer.from(payload).toString())?.[1];
      if (mode !== undefined) life.modes.set(pid, { mode: Number(mode), at: time.now });
      return;
    }
    if (parsed.kind === 'services_reply') {
      const reply = readReply(payload);
      if (reply)
        life.heard.push({
          at: time.now,
          pid,
          kind: 'reply',
          bid: reply.bid,
          sn: null,
          last: reply.result !== 0,
          status: reply.status,
          result: reply.result,
        });
    } else if (parsed.kind === 'events') {
      const progress = readProgress(payload);
      if (!progress || (progress.bid === null && progress.method === null)) return;
      const { bid, sn, status, result } = progress;
      life.heard.push({
        at: time.now,
        pid,
        kind: 'progress',
        bid,
        sn,
        last: status !== null && isTerminal(status),
        status,
        result,
      });
    }
  }

  function start(life: Life): void {
    const abort = new AbortController();
    const index = lives.length;
    const facts: LifeFacts = {
      ...{ index, life, pid: 100 + index, startedAt: time.now, alive: true, endedAt: null, run: null, begunAt: null },
      ...{
        result: null,
        next: null,
        again: false,
        thrown: null,
        events: [],
        connection: null,
        causes: new Set<never>(),
      },
      ...{ abortedWith: null, journalWrittenAt: 0, journalSkew: 0, restoredAt: 0, heard: [], modes: new Map() },
    };
    lives.push(facts);
    const { machine } = life;
    const boot = boots[machine];
    if (scene.earlierVersion && aliveLives().length === 1 && life.command === 'resume') {
      for (const name of disk.names()) if (name.endsWith('.jsonl')) disk.rewrite(name, asEarlierVersion);
    }
    story.tell(
      time.now,
      nameOf(facts),
      `starts on machine ${machine + 1}: dji-ota ${life.command === 'again' ? 'push (again)' : life.command}`,
    );
    const clock = processClock(time, facts, () => skew[machine]);
    const seen = disk.seenBy(facts, () => skew[machine]);
    const parts = {
      clock,
      disk: seen,
      processes: {
        platform: 'linux' as const,
        pid: facts.pid,
        self: () => ({
          pid: facts.pid,
          started: String(facts.pid),
          host: `machine-${machine + 1}`,
          boot: `boot-${machine}-${boot}`,
          namespace: `pid:[${machine}]`,
        }),
        isAlive: ({ pid }: { pid: number }) => lives.some((other) => other.pid === pid && other.alive),
        user: () => `operator@machine-${machine + 1}`,
      },
      newId: () => idOf(chance),
    };
    const emit: Parameters<typeof live>[0]['emit'] = (event) => {
      if (!facts.alive) return;
      const words = eventInWords(event);
      if (words !== null) story.tell(time.now, nameOf(facts), words);
      trace?.update(`${Math.round(time.now)} ${index} ${JSON.stringify(event)}\n`);
      checkTold(world, facts, event);
      facts.events.push({ at: time.now, event });
    };
    if (life.stop !== null) time.after(life.stop, () => requestStop(facts));
    if (life.end && 'ms' in life.end.when) time.after(life.end.when.ms, () => end(facts));
    const first = lives[0];
    void live({
      ...{ scene: planted?.scene?.(scene, facts) ?? scene, life, run: first?.run ?? null },
      machine: planted?.machine?.(parts, facts) ?? parts,
      emit: planted?.tells?.(emit, facts) ?? emit,
      note: (text) => story.tell(time.now, nameOf(facts), text),
      signal: abort.signal,
      abort(reason) {
        facts.causes.add('limit');
        abort.abort(reason);
      },
      connector: (run, how) => connector(facts, run, how),
      onRun(run, sns) {
        facts.run = run;
        runOf(world, run, sns);
      },
    })
      .then(
        (ended) => {
          facts.result = ended.result;
          facts.next = ended.next;
          facts.again = ended.again ?? false;
          exited(facts, String(ended.result.exit_code));
        },
        (error: unknown) => {
          facts.thrown = error;
          story.tell(time.now, nameOf(facts), `fails: ${error instanceof Error ? error.message : String(error)}`);
          exited(facts, 'error');
        },
      )
      .catch((error: unknown) => world.violated('bug', thrownText(error)));
    if (life.end && 'steps' in life.end.when) {
      const at = time.steps + life.end.when.steps;
      watches.push({ at, run: () => end(facts) });
    }
    interrupts.set(facts, (code) => {
      facts.abortedWith ??= code;
      facts.causes.add('signal');
      abort.abort(code);
    });
    const next = scene.lives[index + 1];
    if (next?.meanwhile) begin(next, next.wait);
  }

  const interrupts = new Map<LifeFacts, (code: 130 | 143) => void>();
  const watches: { at: number; run: () => void }[] = [];
  time.onStep = () => {
    for (const watch of watches) {
      if (time.steps < watch.at) continue;
      watch.at = Number.POSITIVE_INFINITY;
      // Not within an event of the life itself, but between two of its awaits.
      time.after(0, watch.run);
    }
  };

  function begin(life: Life, wait: number): void {
    pending++;
    time.after(
      wait,
      () => {
        pending--;
        start(life);
      },
      true,
    );
  }

  function exited(facts: LifeFacts, code: string): void {
    if (!facts.alive) return;
    facts.alive = false;
    facts.endedAt = time.now;
    count(exits, code);
    checkEnd(world, facts);
    goOn(facts);
  }

  /** Starts the next life of the scene, or a further one if the run has not ended. */
  function goOn(facts: LifeFacts): void {
    const next = scene.lives[facts.index + 1];
    if (next) {
      if (!next.meanwhile) begin(next, next.wait);
      return;
    }
    if (facts.index + 1 < lives.length || pending > 0 || extra >= MORE_LIVES) return;
    if (facts.result !== null && !facts.next?.includes(' resume ')) return;
    // There is nothing to go on with, and will not be.
    if (extra > 0 && facts.thrown instanceof OtaError && facts.thrown.code === 'run_not_found') return;
    // What was asked for again and came to its own end once more would only do so again.
    if (extra > 0 && facts.result !== null && hasEnded(world, runOf(world, facts.run ?? ''))) return;
    extra++;
    begin(
      { command: 'resume', wait: 0, meanwhile: false, machine: 0, end: null, stop: null },
      chance.spread(1000, 600_000),
    );
  }

  function end(facts: LifeFacts): void {
    const by = facts.life.end?.by;
    if (!facts.alive || !by) return;
    count(faults, by);
    if (by === 'interrupt' || by === 'terminate') {
      story.tell(
        time.now,
        'somebody',
        `${by === 'interrupt' ? 'presses Ctrl-C' : 'sends SIGTERM'} to ${nameOf(facts)}`,
      );
      time.after(0, () => interrupts.get(facts)?.(by === 'interrupt' ? 130 : 143), true);
      return;
    }
    if (by === 'kill') {
      story.tell(time.now, 'somebody', `kills ${nameOf(facts)} (SIGKILL)`);
      die(facts);
      facts.connection?.wire?.hangUp('client', 'its process is gone');
      return;
    }
    const { machine } = facts.life;
    story.tell(time.now, 'power', `fails on machine ${machine + 1}`);
    for (const other of aliveLives()) {
      if (other.life.machine !== machine) continue;
      die(other);
      if (other.connection?.wire) fallSilent(time, other.connection.wire, ['toBroker', 'toClient']);
    }
    boots[machine] = (boots[machine] ?? 0) + 1;
    if (aliveLives().length === 0) {
      disk.cutPower();
      world.powerCuts.push(time.now);
    }
  }

  function die(facts: LifeFacts): void {
    facts.alive = false;
    facts.endedAt = time.now;
    if (facts.causes.size > 0) reopenCut(world, facts);
    count(exits, 'killed');
    goOn(facts);
  }

  function requestStop(facts: LifeFacts): void {
    if (!facts.alive || facts.run === null) return;
    count(faults, 'runs stop');
    story.tell(time.now, 'somebody', `asks run ${facts.run} to start nothing more`);
    void disk
      .seenBy({ alive: true }, () => 0)
      .writeFile(`${HOME}/state/runs/${facts.run}.jsonl.stop`, 'operator@machine', {})
      .catch(() => {});
  }

  /** Applies a fault; `back` undoes it after its time. */
  function strike(fault: Fault): void {
    count(faults, fault.kind);
    const wires = aliveLives().flatMap(({ connection }) => connection?.wire ?? []);
    const told = (what: string, back?: () => void) => {
      story.tell(time.now, 'fault', what);
      if (back && 'ms' in fault) time.after(Math.abs(fault.ms), back);
    };
    const dock = 'dock' in fault ? world.docks.get(scene.docks[fault.dock]?.pid ?? '') : undefined;
    switch (fault.kind) {
      case 'cut':
        told('the connection to the broker is cut');
        for (const wire of wires) wire.cut('connection reset');
        return;
      case 'silence':
        network.silent = fault.ways;
        told(`the network swallows what goes ${fault.ways.join(' and ')}`, () => (network.silent = []));
        for (const wire of wires) fallSilent(time, wire, fault.ways);
        return;
      case 'broker restart':
        told(`the broker restarts and ${fault.persistent ? 'keeps' : 'forgets'} its sessions (${fault.ms} ms)`);
        broker.restart(fault.persistent, fault.ms);
        return;
      case 'broker mute':
        broker.trouble.mute = true;
        told('the broker answers no new connection', () => (broker.trouble.mute = false));
        return;
      case 'subscribe refused':
      case 'subscribe unanswered':
        broker.trouble.subscribe = fault.kind === 'subscribe refused' ? 'refused' : 'unanswered';
        told(`${fault.kind} from here on`, () => (broker.trouble.subscribe = 'granted'));
        return;
      case 'publish refused':
        broker.trouble.refused = (topic) => topic.endsWith('/services');
        told('the broker refuses requests', () => (broker.trouble.refused = null));
        return;
      case 'late acknowledgements':
        broker.trouble.slowestAck = fault.slowest;
        told(`the broker acknowledges late, up to ${fault.slowest} ms`, () => (broker.trouble.slowestAck = 0));
        return;
      case 'dock asleep':
        told(`${dock?.pid} loses its connection for ${fault.ms} ms`);
        dock?.sleep(fault.ms);
        return;
      case 'flight':
        dock?.change({ mode_code: 4 });
        told(`${dock?.pid} flies`, () => dock?.change({ mode_code: 0 }));
        return;
      case 'other cloud': {
        if (!dock || dock.scene.behavior.bid === 'none') return;
        const { pid, aircraft } = dock.scene;
        const ids = { tid: idOf(chance), bid: idOf(chance), timestamp: Math.round(time.now) };
        const sns = chance.happens(0.5) ? [pid] : [pid, ...aircraft].slice(0, 2);
        told(`another cloud starts the upgrade ${ids.bid.slice(0, 8)} on ${pid}`);
        const devices = sns.map((sn) => ({
          sn,
          product_version: TARGET,
          firmware_upgrade_type: 3 as const,
          file: null,
        }));
        broker.publish(topicOf('services', pid), otaCreate(ids, devices));
        return;
      }
      case 'disk full':
        disk.trouble.full = true;
        told('the disk is full', () => (disk.trouble.full = false));
        return;
      case 'disk error':
        disk.trouble.fails = fault.fails;
        told(`the disk fails at each ${fault.fails}`, () => (disk.trouble.fails = 'nothing'));
        return;
      case 'disk slow':
        disk.trouble.slowest = fault.slowest;
        told(`the disk takes up to ${fault.slowest} ms to sync`, () => (disk.trouble.slowest = 20));
        return;
      case 'clock step':
        skew[fault.machine] += fault.ms;
        told(`the clock of machine ${fault.machine + 1} is set by ${fault.ms} ms`);
        return;
      case 'takeover': {
        const run = lives.findLast(({ alive, run }) => alive && run !== null)?.run;
        if (run === undefined || run === null) return;
        told('a stranger connects with the client id of the run, and goes away again');
        const id = clientIdOf(run);
        const wire = broker.connect(id, { shipped: false, onClosed: { client() {}, broker() {} } }, () => {});
        wire.send('toBroker', () => {
          broker.arrive(id, wire, { clean: false, expiry: 24 * 3_600_000 });
          wire.hangUp('client', 'gone again');
        });
      }
    }
  }

  const setup = disk.seenBy({ alive: true }, () => 0);
  void setup
    .makeFolders(HOME, 0o700)
    .then(() => setup.writeFile(MANIFEST, manifestOf(scene), { flush: true }))
    .then(() => {
      disk.settle();
      for (const dock of world.docks.values()) dock.start();
      for (const fault of scene.faults) time.after(fault.at, () => strike(fault));
      const [first] = scene.lives;
      if (first) start(first);
    });
  await time.play(() => {
    if (time.now > LONGEST_WORLD || time.events > MOST_EVENTS) stuck = true;
    return stuck || (lives.length > 0 && pending === 0 && aliveLives().length === 0);
  });
  for (const life of aliveLives())
    world.violated(
      'never ends',
      `${nameOf(life)} (${life.life.command}) goes on after ${Math.round(time.now / 3_600_000)} hours`,
    );
  checkJournals(world);
  for (const dock of world.docks.values()) dock.stop();
  const outcomes: Record<string, number> = {};
  for (const { status } of lives.findLast(({ result }) => result)?.result?.devices ?? []) count(outcomes, status);
  trace?.update(`${time.steps} steps, ${time.events} events, ${time.now} ms, ${chance.next()}`);
  return {
    violations,
    story: story.lines,
    faults,
    outcomes,
    exits,
    steps: time.steps,
    time: time.now,
    trace: trace?.digest('hex') ?? '',
  };
}

/** The size of a journal depends on what happened, not on how long the run went on. */
function checkJournals(world: World): void {
  for (const run of world.runs.values()) {
    const text = world.disk.text(`${HOME}/state/runs/${run.id}.jsonl`) ?? '';
    const lives = world.lives.filter((life) => life.run === run.id);
    const told = lives.reduce((sum, { events }) => sum + events.length, 0);
    if (text.length > 16_000 + 1000 * (told + 40 * lives.length))
      world.violated('journal grows', `${text.length} bytes for ${told} events`);
  }
}

function manifestOf({ devices }: Scene): string {
  // Dock and aircraft have different packages.
  const fileOf = (what: string, digit: string) => ({
    file_url: `https://firmware.example/${what}.zip`,
    ...{ md5: digit.repeat(32), file_size: 80_000_000, file_name: `${what}.zip` },
  });
  const [dock, aircraft] = [fileOf('dock', 'd'), fileOf('aircraft', 'a')];
  return JSON.stringify({
    devices: devices.map(({ sn, pid, file }) => ({
      ...{ sn, pid, product_version: TARGET },
      ...(file ? (sn === pid ? dock : aircraft) : {}),
    })),
  });
}

function thrownText(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
