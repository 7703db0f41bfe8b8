/** Measures in turns, so that other load on the machine affects both sides equally, and computes medians. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export const BIN = fileURLToPath(new URL('../bin/dji-ota.js', import.meta.url));
export const bare = (name) => fileURLToPath(new URL(`./bare/${name}`, import.meta.url));

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The medians of the results of `runs`, called in turns. The first turn is a warm-up and does not count. */
export async function byTurns(rounds, runs, { warm = true } = {}) {
  const values = runs.map(() => []);
  for (let round = warm ? -1 : 0; round < rounds; round++) {
    for (const [index, run] of runs.entries()) {
      const value = await run();
      if (round >= 0) values[index].push(value);
    }
  }
  return values.map(median);
}

/** The milliseconds from a program's start to its end. @throws if it exits with another code than `code` */
export async function timed(command, args, { env = process.env, code = 0, stdio = ['ignore', 'pipe', 'pipe'] } = {}) {
  const begun = performance.now();
  const child = spawn(command, args, { env, stdio });
  let said = '';
  child.stdout?.resume();
  child.stderr?.on('data', (text) => {
    said = (said + text).slice(-2000);
  });
  const [ended, signal] = await once(child, 'close');
  const time = performance.now() - begun;
  if (ended !== code) throw new Error(`${command} ${args.join(' ')} ended with ${ended ?? signal}: ${said}`);
  return time;
}

/** A row of the table. `goal`: `[most or least, number]`. */
export function row({ what, ours, than, ratio, goal, note = '' }) {
  const [bound, limit] = goal;
  // Compare the rounded value that is shown.
  const shown = Number(ratio.toFixed(2));
  const met = bound === 'most' ? shown <= limit : shown >= limit;
  return { what, ours, than, ratio: shown.toFixed(2), goal: `at ${bound} ${limit}`, met, note };
}

export const milliseconds = (value) => (value < 10_000 ? `${value.toFixed(0)} ms` : `${(value / 1000).toFixed(1)} s`);
