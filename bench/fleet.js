/** Manifests and runs of whole fleets, for this program and for the bare script, against docks behind a broker. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { BIN, bare } from './measure.js';

const DOCKS = fileURLToPath(new URL('./docks.js', import.meta.url));
const HEAP = fileURLToPath(new URL('./heap.cjs', import.meta.url));
const COST = fileURLToPath(new URL('./cost.cjs', import.meta.url));

export const pidOf = (index) => `7CTXN4A${String(index).padStart(7, '0')}`;

/** Writes a manifest of `count` docks, each with its own gateway and without a file, and the list of their serial numbers. */
export function fleet(folder, count) {
  const pids = Array.from({ length: count }, (_, index) => pidOf(index));
  const manifest = join(folder, `fleet-${count}.json`);
  const list = join(folder, `pids-${count}.json`);
  writeFileSync(manifest, JSON.stringify(pids.map((pid) => ({ sn: pid, pid, product_version: '10.02.03.01' }))));
  writeFileSync(list, JSON.stringify(pids));
  return { count, manifest, list };
}

/** A run of this program. With `output` `bars` it has a terminal of its own, otherwise its streams go to /dev/null. */
export const ours = ({ manifest }, output = 'json', more = []) => ({
  args: ['push', manifest, '--output', output, '--yes', ...more, '--broker'],
  program: BIN,
  terminal: output === 'bars',
});

/** The same with bare mqtt.js. `print`: it also prints each message. */
export const theirs = ({ list }, print = false) => ({
  args: [list, ...(print ? ['print'] : [])],
  program: bare('follow.js'),
  terminal: false,
});

/**
 * Runs one of them against docks that send `messages` each.
 * @param options `foreign`: messages of other gateways after each message of these docks
 * @returns milliseconds from the start of the program to its first publish (`start`), from there and from the first progress to
 * its end; `cost`, its processor time (user and system, all threads); `rss`, its peak memory in kB; and, with `heap`, the bytes
 * of its heap while all docks were followed
 */
export async function follow(run, { count }, broker, messages, { heap = false, foreign = 0 } = {}) {
  const folder = mkdtempSync('/tmp/dji-ota-bench-run-');
  const docks = spawn(
    process.execPath,
    [DOCKS, broker.url, String(count), String(messages), heap ? 'wait' : 'go', String(foreign)],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  const lines = createInterface(docks.stdout)[Symbol.asyncIterator]();
  await lines.next();
  const report = join(folder, 'heap');
  const cost = join(folder, 'cost');
  const node = ['--require', COST, ...(heap ? ['--expose-gc', '--require', HEAP] : [])];
  const env = { ...process.env, DJI_OTA_HOME: join(folder, 'home'), HEAP_FILE: report, COST_FILE: cost };
  const words = [process.execPath, ...node, run.program, ...withUrl(run, broker.url)];
  const none = openSync('/dev/null', 'r+');
  const begun = Date.now();
  const child = run.terminal
    ? spawn('script', ['-qefc', `stty cols 120 rows 40; exec ${words.join(' ')}`, '/dev/null'], {
        env,
        stdio: ['pipe', none, none],
      })
    : spawn(words[0], words.slice(1), { env, stdio: ['ignore', none, 'pipe'] });
  let said = '';
  child.stderr?.on('data', (text) => {
    said = (said + text).slice(-2000);
  });
  const ended = once(child, 'exit');
  try {
    let bytes = null;
    if (heap) {
      await lines.next();
      bytes = await heapOf(child, report);
      docks.stdin.write('go\n');
    }
    const [code] = await ended;
    const end = Date.now();
    if (code !== 0) throw new Error(`${words.join(' ')} ended with ${code}: ${said}`);
    const { first, flood } = JSON.parse((await lines.next()).value);
    const spent = JSON.parse(readFileSync(cost, 'utf8'));
    return { start: first - begun, whole: end - first, receiving: end - flood, bytes, ...spent };
  } finally {
    child.kill('SIGKILL');
    docks.kill('SIGKILL');
    closeSync(none);
    rmSync(folder, { recursive: true, force: true });
  }
}

function withUrl({ program, args }, url) {
  return program === BIN ? [...args, url] : [url, ...args];
}

async function heapOf(child, report) {
  const { existsSync, readFileSync } = await import('node:fs');
  child.kill('SIGUSR2');
  while (!existsSync(report)) await new Promise((done) => setTimeout(done, 50));
  return Number(readFileSync(report, 'utf8'));
}
