/** The page of a run in progress: how often it is written, and what a failing disk does to it. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Freshness } from '../../../src/render/report/html/live.js';
import { createRenewal } from '../../../src/render/report/html/renew.js';
import { manualClock } from '../../helpers/manual-clock.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dji-ota-renew-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A renewal whose successive pages cost `costs` milliseconds. */
function renewal(files: string[], costs: number[] = []) {
  const clock = manualClock();
  const pages: Freshness[] = [];
  const troubles: string[] = [];
  let spent = 0;
  const started = createRenewal({
    files,
    clock,
    cost: () => spent,
    render(freshness) {
      spent += costs[pages.length] ?? 0;
      const fresh = freshness();
      pages.push(fresh);
      return `page ${pages.length}`;
    },
    onTrouble: (error, file) => troubles.push(`${path.basename(file)}: ${(error as NodeJS.ErrnoException).code}`),
  });
  /** Lets the current page be written, and advances by `ms`. */
  const advance = async (ms: number) => {
    await started.settled();
    clock.advance(ms);
    await started.settled();
  };
  return { ...started, advance, pages, troubles };
}

describe('a page that is renewed', () => {
  it('is there at once, replaced whole, and at most every 5 s', async () => {
    const file = path.join(folder, 'r.html');
    const { begin, advance, pages, end } = renewal([file]);
    begin();
    await advance(0);
    expect(await readFile(file, 'utf8')).toBe('page 1');
    await advance(4999);
    expect(pages).toHaveLength(1);
    await advance(1);
    expect(await readFile(file, 'utf8')).toBe('page 2');
    expect(pages.map(({ written, next }) => next - written)).toEqual([5000, 5000]);
    await end();
    expect(await readdir(folder)).toEqual(['r.html']);
  });

  it('takes less than 2 % of a core, however much it costs, and promises no more than it keeps', async () => {
    const { begin, advance, pages, end } = renewal([path.join(folder, 'r.html')], [0, 600, 600]);
    begin();
    await advance(5000);
    expect(pages).toHaveLength(2);
    const { written = 0, next = 0 } = pages[1] ?? {};
    expect(next - written).toBeGreaterThanOrEqual(600 / 0.02);
    await advance(next - written - 1);
    expect(pages).toHaveLength(2);
    await advance(1);
    expect(pages).toHaveLength(3);
    await end();
  });

  it('that cannot be written is told once, and tried again', async () => {
    const gone = path.join(folder, 'gone');
    const { begin, advance, troubles, pages, end } = renewal([path.join(gone, 'r.html'), path.join(folder, 'r.html')]);
    begin();
    await advance(5000);
    await advance(5000);
    expect(troubles).toEqual(['r.html: ENOENT']);
    expect(pages).toHaveLength(3);
    // The other page is written nevertheless.
    expect(await readFile(path.join(folder, 'r.html'), 'utf8')).toBe('page 3');
    await end();
  });

  it('is never begun after the end', async () => {
    const { begin, advance, pages, end } = renewal([path.join(folder, 'r.html')]);
    begin();
    await end();
    await advance(60_000);
    begin();
    expect(pages).toHaveLength(1);
  });
});
