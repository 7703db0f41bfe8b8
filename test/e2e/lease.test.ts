/** Two processes that share the journal of one run, also in containers (PID namespaces) of their own. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AedesServer, startAedes } from '../helpers/aedes.js';
import { BIN, type CliRun, environment, type Workplace, workplace } from '../helpers/cli.js';
import { someDevices } from '../helpers/cli-docks.js';

const CONTAINER = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child'];
const containers = spawnSync(CONTAINER[0] as string, [...CONTAINER.slice(1), 'true']).status === 0;

describe('two processes at one run', { concurrent: true }, () => {
  let broker: AedesServer;
  beforeAll(async () => {
    broker = await startAedes();
  });
  afterAll(() => broker?.stop());

  /** Starts a push whose docks never answer, so that it keeps running. Returns its files in the folder of runs. */
  async function pushing(start: (place: Workplace, args: string[]) => CliRun | Promise<string>) {
    const place = await workplace();
    const manifest = await place.put('fleet.json', someDevices(3));
    const args = ['push', manifest, '--broker', broker.url, '--concurrency', '1', '--reply-timeout', '10m'];
    const program = start(place, [...args, '--output', 'json']);
    if ('said' in program) await program.said('"job_published"');
    else await program;
    const runs = path.join(place.folder, 'home', 'state', 'runs');
    const run = ((await readdir(runs)).find((name) => name.endsWith('.jsonl')) ?? '').replace('.jsonl', '');
    return { place, program, run, journal: path.join(runs, `${run}.jsonl`) };
  }

  it('a process whose lease was taken publishes nothing more, and leaves journal and session unchanged', async () => {
    const { place, program, run, journal } = await pushing((at, args) => at.start(args));
    const theirs = JSON.stringify({ ...JSON.parse(await readFile(`${journal}.lock`, 'utf8')), token: 'theirs' });
    await writeFile(`${journal}.lock`, theirs);
    const before = await readFile(journal, 'utf8');
    const { code, stdout, stderr } = await (program as CliRun).ended;
    expect(code).toBe(4);
    expect(stdout).toContain('"code":"run_taken_over"');
    expect(stdout).toContain(`run ${run} was resumed by another process`);
    expect(stdout.match(/"job_published"/g)).toHaveLength(1);
    // The other process prints how to continue.
    expect(stderr).not.toContain('dji-ota resume');
    expect(await readFile(journal, 'utf8')).toBe(before);
    expect(await readFile(`${journal}.lock`, 'utf8')).toBe(theirs);
    await place.close();
  });

  it.skipIf(!containers)('in two containers: the second sees that the first lives, and is refused', async () => {
    let first: ReturnType<typeof spawn> | null = null;
    const { place, run, journal } = await pushing(async (at, args) => {
      const child = spawn(CONTAINER[0] as string, [...CONTAINER.slice(1), process.execPath, BIN, ...args], {
        env: environment(at.folder),
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      first = child;
      for await (const chunk of child.stdout) if (String(chunk).includes('"job_published"')) break;
      return '';
    });
    try {
      const { pid, namespace } = JSON.parse(await readFile(`${journal}.lock`, 'utf8'));
      expect(pid).toBe(1);
      expect(namespace).toMatch(/^pid:\[\d+\]$/);
      const resume = [process.execPath, BIN, 'resume', run];
      const second = spawn(CONTAINER[0] as string, [...CONTAINER.slice(1), ...resume], {
        env: environment(place.folder),
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let said = '';
      second.stderr.on('data', (chunk) => {
        said += chunk;
      });
      const [code] = await once(second, 'close');
      expect(said).toContain('which cannot be checked from here: waiting up to 60 s to see whether it is alive');
      expect(said).toContain(`run ${run} is still running, in process 1 on `);
      expect(code).toBe(2);
    } finally {
      (first as ReturnType<typeof spawn> | null)?.kill('SIGKILL');
      await place.close();
    }
  });
});
