/** A few of the worlds of docs/reliability.md, as `npm run test:worlds` plays them. CI plays the others. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

function worlds(...words: string[]): Promise<{ code: number | null; out: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['scripts/worlds.js', ...words], { cwd: ROOT });
    let out = '';
    child.stdout.on('data', (text) => (out += text));
    child.stderr.on('data', (text) => (out += text));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out }));
  });
}

describe('simulated worlds', () => {
  test('no promise is broken', async () => {
    const { code, out } = await worlds('--seeds', '100', '--workers', '2');
    expect(out).toContain('no promise was broken');
    expect(code).toBe(0);
  }, 300_000);

  test('a seed gives the same world, whatever was played before it', async () => {
    const { code, out } = await worlds('--both-orders', '--from', '8700', '--seeds', '80');
    expect(out).toContain('80 worlds are the same in both orders');
    expect(code).toBe(0);
  }, 300_000);

  test('a planted fault is found', async () => {
    const { code, out } = await worlds('--planted', 'half-a-pair', '--seeds', '200', '--workers', '1');
    expect(out).toContain('broken: half a job: seeds ');
    expect(code).toBe(0);
  }, 300_000);

  test('a seed tells its story, the same each time', async () => {
    const first = await worlds('--seed', '7');
    expect(first.out).toMatch(/^Seed 7: 2 docks/);
    expect(first.out).toMatch(/\n0:00:00\.\d+ {2}process 100 {2}starts on machine 1: dji-ota push\n/);
    expect(await worlds('--seed', '7')).toEqual(first);
  }, 300_000);
});
