/**
 * Plays thousands of worlds: the parent distributes seeds and sums up, its threads play. Bundled and run by scripts/worlds.js.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { systemClock } from '../../src/clock.js';
import { systemDisk } from '../../src/disk.js';
import { thisMachine } from '../../src/machine.js';
import { systemProcesses } from '../../src/processes.js';
import { PLANTED } from './planted.js';
import { type Played, play, type Violation } from './play.js';
import { sceneOf } from './scene.js';
import { shrink } from './shrink.js';
import { clockOf, sceneInWords } from './story.js';

const CHUNK = 50;
/** After this many worlds, one of them is played again: the same must happen in it. */
const TWICE = 250;
const MOST_SHOWN = 5;

interface Sums {
  worlds: number;
  steps: number;
  /** Virtual milliseconds. */
  time: number;
  faults: Record<string, number>;
  outcomes: Record<string, number>;
  exits: Record<string, number>;
  broken: { seed: number; violations: Violation[] }[];
}

const nothing = (): Sums => ({ worlds: 0, steps: 0, time: 0, faults: {}, outcomes: {}, exits: {}, broken: [] });

/** Access to the real machine is an error of the shipped code, and must not go unnoticed. */
function forbidRealMachine(): void {
  for (const part of [systemDisk, systemClock, systemProcesses, thisMachine] as unknown as Record<string, unknown>[]) {
    for (const name of Object.keys(part)) {
      if (typeof part[name] !== 'function') continue;
      part[name] = () => {
        throw new Error(`the real ${name}() was called`);
      };
    }
  }
  // Owners and modes of files are not simulated, like on a system without them.
  Object.defineProperty(process, 'geteuid', { value: undefined });
}

function playSeed(seed: number, name: string | null, traced = false): Promise<Played> {
  const planted = name === null ? undefined : PLANTED[name]?.plant();
  return play(sceneOf(seed), { listening: false, planted, traced });
}

async function work(): Promise<void> {
  forbidRealMachine();
  // Worlds have many errors, and nobody reads their stacks.
  Error.stackTraceLimit = 0;
  const { planted } = workerData as { planted: string | null };
  parentPort?.on('message', async ({ from, to }: { from: number; to: number }) => {
    const sums = nothing();
    const twice = Math.ceil(from / TWICE) * TWICE;
    let first: Played | undefined;
    for (let seed = from; seed < to; seed++) {
      const played = await playSeed(seed, planted, seed === twice);
      if (seed === twice) first = played;
      add(sums, { ...nothing(), ...played, worlds: 1, broken: [] });
      if (played.violations.length > 0) sums.broken.push({ seed, violations: played.violations });
    }
    if (first && (await playSeed(twice, planted, true)).trace !== first.trace) {
      const text = `seed ${twice} gave another world after those up to ${to - 1}`;
      sums.broken.push({ seed: twice, violations: [{ kind: 'not repeatable', text, at: 0 }] });
    }
    parentPort?.postMessage(sums);
  });
}

function add(to: Sums, more: Sums): void {
  to.worlds += more.worlds;
  to.steps += more.steps;
  to.time += more.time;
  to.broken.push(...more.broken);
  for (const key of ['faults', 'outcomes', 'exits'] as const) {
    for (const [name, count] of Object.entries(more[key])) to[key][name] = (to[key][name] ?? 0) + count;
  }
}

interface Night {
  from: number;
  seeds: number;
  workers: number;
  planted: string | null;
  /** End at the first broken promise. */
  untilFound: boolean;
}

function night({ from, seeds, workers, planted, untilFound }: Night): Promise<Sums> {
  const sums = nothing();
  const began = performance.now();
  const end = from + seeds;
  let next = from;
  let shown = 0;
  // Interrupted, a night is summed up as far as it came.
  let interrupted = false;
  process.once('SIGINT', () => {
    interrupted = true;
  });
  return new Promise((resolve, reject) => {
    let working = 0;
    const progress = () => {
      const seconds = (performance.now() - began) / 1000;
      const { worlds } = sums;
      if (seconds - shown < (process.stderr.isTTY ? 1 : 20)) return;
      shown = seconds;
      const rate = Math.round(worlds / seconds);
      const left = Math.round((seeds - worlds) / Math.max(1, rate));
      const line = `${worlds} of ${seeds} worlds, ${rate} a second, ${left} s left, ${sums.broken.length} broken`;
      process.stderr.write(process.stderr.isTTY ? `\r${line}   ` : `${line}\n`);
    };
    for (let index = 0; index < workers; index++) {
      const worker = new Worker(new URL(import.meta.url), {
        workerData: { planted },
        // A world is discarded as a whole. With more space for young objects, few of them are copied before.
        resourceLimits: { maxYoungGenerationSizeMb: 96 },
      });
      const give = () => {
        const found = untilFound && sums.broken.length > 0;
        if (next >= end || found || interrupted) {
          working--;
          void worker.terminate();
          if (working === 0) resolve(sums);
          return;
        }
        const to = Math.min(end, next + CHUNK);
        worker.postMessage({ from: next, to });
        next = to;
      };
      worker.on('message', (more: Sums) => {
        add(sums, more);
        // A night is long, so report broken promises at once.
        if (planted === null) for (const { seed, violations } of more.broken) tellBroken(seed, violations);
        progress();
        give();
      });
      worker.on('error', reject);
      working++;
      give();
    }
  });
}

const listed = (counts: Record<string, number>) =>
  Object.entries(counts)
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');

function summary(sums: Sums, from: number, seconds: number): string[] {
  const { worlds, broken } = sums;
  return [
    `${worlds} worlds from seed ${from} in ${seconds.toFixed(1)} s (${Math.round(worlds / seconds)} a second): ${
      broken.length === 0 ? 'no promise was broken' : `in ${broken.length} a promise was broken`
    }`,
    `  lived: ${Math.round(sums.time / 3_600_000)} hours of virtual time, ${sums.steps} steps of shipped code`,
    `  faults: ${listed(sums.faults)}`,
    `  processes by exit code: ${listed(sums.exits)}`,
    `  devices by outcome: ${listed(sums.outcomes)}`,
  ];
}

function tellBroken(seed: number, violations: readonly Violation[]): void {
  const kinds = violations.map(({ kind }) => kind).join(', ');
  process.stderr.write(`${process.stderr.isTTY ? '\r\x1b[K' : ''}seed ${seed} breaks a promise: ${kinds}\n`);
}

const say = (lines: readonly string[]) => void process.stdout.write(`${lines.join('\n')}\n`);

/** Prints the story of one seed, and of the smaller world if a promise is broken. */
async function tell(seed: number, planted: string | null, whole: boolean): Promise<boolean> {
  const scene = sceneOf(seed);
  const plant = () => (planted === null ? undefined : PLANTED[planted]?.plant());
  const played = await play(scene, { listening: true, planted: plant() });
  if (whole) say([...sceneInWords(scene), ...played.story, '']);
  const [first] = played.violations;
  if (!first) {
    say([`Seed ${seed}: no promise was broken.`]);
    return true;
  }
  const small = await shrink(scene, first.kind, plant());
  const left = await play(small, { listening: true, planted: plant() });
  say([
    `Seed ${seed} breaks a promise at ${clockOf(first.at)}: ${first.kind}: ${first.text}`,
    'Made as small as it gets while that is still so:',
    ...sceneInWords(small),
    ...left.story,
  ]);
  return false;
}

/** Plays `seeds` worlds in one process in two orders: a world must not depend on those before it. */
async function inBothOrders(from: number, seeds: number): Promise<number> {
  const order = Array.from({ length: seeds }, (_, index) => from + index);
  const traces = new Map<number, string>();
  for (const seed of order) traces.set(seed, (await playSeed(seed, null, true)).trace);
  const other: number[] = [];
  for (const seed of order.toReversed()) {
    if ((await playSeed(seed, null, true)).trace !== traces.get(seed)) other.push(seed);
  }
  say([
    other.length === 0
      ? `${seeds} worlds are the same in both orders`
      : `These seeds give another world after others: ${other.join(', ')}`,
  ]);
  return other.length === 0 ? 0 : 1;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '5000' },
      from: { type: 'string', default: '1' },
      seed: { type: 'string' },
      workers: { type: 'string', default: String(Math.max(1, Math.min(availableParallelism(), 16))) },
      planted: { type: 'string' },
      'all-planted': { type: 'boolean', default: false },
      'both-orders': { type: 'boolean', default: false },
    },
  });
  const planted = values.planted ?? null;
  if (planted !== null && !(planted in PLANTED)) {
    say([
      `There is no planted fault ${planted}. There are:`,
      ...Object.entries(PLANTED).map(([name, { what }]) => `  ${name}: ${what}`),
    ]);
    return 2;
  }
  if (values.seed !== undefined) {
    forbidRealMachine();
    return (await tell(Number(values.seed), planted, true)) ? 0 : 1;
  }
  const plan = { from: Number(values.from), seeds: Number(values.seeds), workers: Number(values.workers) };
  if (values['both-orders']) {
    forbidRealMachine();
    return inBothOrders(plan.from, plan.seeds);
  }
  if (values['all-planted']) return everyPlanted(plan);
  const began = performance.now();
  const sums = await night({ ...plan, planted, untilFound: planted !== null });
  say(summary(sums, plan.from, (performance.now() - began) / 1000));
  if (sums.broken.length === 0) return planted === null ? 0 : 1;
  forbidRealMachine();
  const kinds = new Map<string, number[]>();
  for (const { seed, violations } of sums.broken.sort((a, b) => a.seed - b.seed)) {
    for (const { kind } of violations) kinds.set(kind, [...(kinds.get(kind) ?? []), seed]);
  }
  for (const [kind, seeds] of kinds) {
    const more = seeds.length > MOST_SHOWN ? `, and ${seeds.length - MOST_SHOWN} more` : '';
    say([`  broken: ${kind}: seeds ${seeds.slice(0, MOST_SHOWN).join(', ')}${more}`]);
  }
  if (planted !== null) return 0;
  say(['', 'npm run test:worlds -- --seed <n> tells the story of one.']);
  for (const [first = 0] of [...kinds.values()].slice(0, 2)) await tell(first, null, false);
  return 1;
}

/** Every planted fault must be found. Prints in how many worlds. */
async function everyPlanted(plan: Pick<Night, 'from' | 'seeds' | 'workers'>): Promise<number> {
  let missed = 0;
  for (const [name, { what }] of Object.entries(PLANTED)) {
    const sums = await night({ ...plan, planted: name, untilFound: true });
    const [first] = sums.broken.sort((a, b) => a.seed - b.seed);
    if (!first) missed++;
    const found = first
      ? `found by seed ${first.seed} (${first.violations[0]?.kind})`
      : `NOT FOUND in ${sums.worlds} worlds`;
    say([`${name}: ${what}: ${found}`]);
  }
  return missed === 0 ? 0 : 1;
}

if (isMainThread) process.exitCode = await main();
else await work();
