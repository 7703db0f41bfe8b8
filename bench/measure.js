/** Time by turns, so that whatever else the machine does meets both alike, and medians of it. */
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

/** Medians of what each of `runs` gives, called by turns; the first turn warms up and does not count. */
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

/** Milliseconds that a program takes from its start to its end. @throws where it ends with another code than `code`. */
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

/** A row of the table; `goal`: `[most or least, number]`. */
export function row({ what, ours, than, ratio, goal, note = '' }) {
  const [bound, limit] = goal;
  // What is shown is what is judged.
  const shown = Number(ratio.toFixed(2));
  const met = bound === 'most' ? shown <= limit : shown >= limit;
  return { what, ours, than, ratio: shown.toFixed(2), goal: `at ${bound} ${limit}`, met, note };
}

export const milliseconds = (value) => (value < 10_000 ? `${value.toFixed(0)} ms` : `${(value / 1000).toFixed(1)} s`);
