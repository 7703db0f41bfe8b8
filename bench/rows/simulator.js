/**
 * Measures a fleet in one process with its simulated docks and broker. There is no counterpart, so time and memory are
 * absolute.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { fleet } from '../fleet.js';
import { BIN, median, milliseconds } from '../measure.js';

export async function simulatorRow({ folder, scale }) {
  const { count, manifest } = fleet(folder, Math.round(20_000 * scale));
  const times = [];
  const sizes = [];
  for (let round = 0; round < 3; round++) {
    const none = openSync('/dev/null', 'w');
    const begun = performance.now();
    const report = "process.on('exit',()=>console.error('RSS',process.resourceUsage().maxRSS))";
    const preload = ['--import', `data:text/javascript,${encodeURIComponent(report)}`];
    const child = spawn(process.execPath, [...preload, BIN, 'push', manifest, '--simulate', '--output', 'json'], {
      stdio: ['ignore', none, 'pipe'],
      env: { ...process.env, DJI_OTA_HOME: join(folder, 'home') },
    });
    closeSync(none);
    let said = '';
    child.stderr.on('data', (text) => {
      said += text;
    });
    const [code] = await once(child, 'close');
    times.push(performance.now() - begun);
    const kilobytes = /RSS (\d+)/.exec(said)?.[1];
    if (code !== 0 || !kilobytes) throw new Error(`the simulated run ended with ${code}: ${said.slice(-500)}`);
    sizes.push(Number(kilobytes));
  }
  return {
    what: `${count} gateways against the simulator, one process`,
    ours: `${milliseconds(median(times))}, ${(median(sizes) / 1000).toFixed(0)} MB`,
    than: 'nothing to compare with',
    ratio: '',
    goal: '',
    met: true,
    note: 'medians of 3; peak of resident memory, broker and docks included',
  };
}
