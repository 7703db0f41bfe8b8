/** Differences on Windows, as far as they depend on the platform's name. */
import { chmod, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { whenFree } from '../../src/busy-files.js';
import { lifeOf, type Owner } from '../../src/journal/owner.js';
import { runNameProblem } from '../../src/journal/run-name.js';
import { type Processes, systemProcesses } from '../../src/processes.js';
import { runPasswordCommand } from '../../src/settings/connection/password-command.js';
import { shellWord } from '../../src/settings/file-trust.js';
import { expandHome } from '../../src/settings/state-folders.js';
import { fileNameProblem } from '../../src/windows-names.js';
import { inside } from '../helpers/inside.js';
import { manualClock } from '../helpers/manual-clock.js';

const WINDOWS = 'win32';
const failure = (code: string) => Object.assign(new Error(code), { code });

describe('a file that another process has open', () => {
  /** Fails `times` times with `code`, and counts the attempts. */
  function busy(times: number, code: string) {
    const work = { tries: 0, run: async () => (++work.tries > times ? 'done' : Promise.reject(failure(code))) };
    return work;
  }
  /** The result of `work`, with time passing while it waits. */
  async function settled(work: Promise<string>, clock: ReturnType<typeof manualClock>): Promise<string> {
    let end: string | null = null;
    work.then(
      (value) => {
        end = value;
      },
      (error: Error) => {
        end = error.message;
      },
    );
    for (let turn = 0; end === null && turn < 1000; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
      clock.advance(10);
    }
    return end ?? 'never';
  }

  test.each(['EPERM', 'EACCES', 'EBUSY'])('is tried again after %s', async (code) => {
    const clock = manualClock();
    const work = busy(3, code);
    expect(await settled(whenFree(work.run, WINDOWS, clock), clock)).toBe('done');
    expect(work.tries).toBe(4);
  });

  test('is given up after two seconds, with the reason', async () => {
    const clock = manualClock();
    const work = busy(Number.POSITIVE_INFINITY, 'EBUSY');
    expect(await settled(whenFree(work.run, WINDOWS, clock), clock)).toBe('EBUSY');
    expect(clock.now()).toBeGreaterThanOrEqual(2000);
    expect(clock.now()).toBeLessThan(3000);
    expect(work.tries).toBeGreaterThan(5);
  });

  test.each([
    ['ENOENT', WINDOWS],
    ['EEXIST', WINDOWS],
    ['EACCES', 'linux'],
  ] as const)('%s on %s is final at once', async (code, platform) => {
    const work = busy(1, code);
    await expect(whenFree(work.run, platform, manualClock())).rejects.toMatchObject({ code });
    expect(work.tries).toBe(1);
  });
});

describe('names', () => {
  const devices = ['con', 'NUL', 'aux', 'Prn', 'com1', 'LPT9', 'com0'];

  test.each(devices)('%s names no run', (name) => {
    for (const each of [name, `${name}.2`, `${name}.json`]) {
      expect(runNameProblem(each, WINDOWS)).toBe('is the name of a device of Windows');
      expect(runNameProblem(each, 'linux')).toBeNull();
    }
    expect(runNameProblem(`${name}x`, WINDOWS)).toBeNull();
    expect(runNameProblem(`site-${name}`, WINDOWS)).toBeNull();
  });

  test.each([
    ['C:\\reports\\night.html', null],
    ['\\\\?\\C:\\reports\\night.html', null],
    ['\\\\server\\share\\night.html', null],
    ['..\\night.html', null],
    ['./night.v2.html', null],
    ['C:night.html', null],
    ['12:30.html', 'contains :, which Windows does not allow in file names'],
    ['C:\\reports\\12:30.html', 'contains :, which Windows does not allow in file names'],
    ['what?.html', 'contains ?, which Windows does not allow in file names'],
    ['reports/nul.html', 'contains the name of a device of Windows, nul.html'],
    ['C:\\AUX\\night.html', 'contains the name of a device of Windows, AUX'],
    ['night.html.', 'ends in a dot or a space, which Windows removes'],
  ])('%s', (file, problem) => {
    expect(fileNameProblem(file, WINDOWS)).toBe(problem);
    expect(fileNameProblem(file, 'linux')).toBeNull();
  });

  test('~\\ is the home folder', () => {
    const home = () => 'C:\\Users\\u';
    expect(expandHome('~\\ota', WINDOWS, home)).toBe('C:\\Users\\u\\ota');
    expect(expandHome('~/ota', WINDOWS, home)).toBe('C:\\Users\\u\\ota');
    expect(expandHome('~', WINDOWS, home)).toBe('C:\\Users\\u');
    expect(expandHome('~ota', WINDOWS, home)).toBe('~ota');
    expect(expandHome('~\\ota', 'linux', () => '/home/u')).toBe('~\\ota');
  });

  test('a word of cmd.exe and PowerShell', () => {
    expect(shellWord('C:\\fw\\dock.json', WINDOWS)).toBe('C:\\fw\\dock.json');
    expect(shellWord('C:\\my firmware\\dock.json', WINDOWS)).toBe('"C:\\my firmware\\dock.json"');
    expect(shellWord("it's", 'linux')).toBe("'it'\\''s'");
  });
});

describe('who holds a lease', () => {
  const me: Owner = { pid: 7, started: null, host: 'pc', boot: null, namespace: null, token: 'x' };
  const processes = (platform: NodeJS.Platform, runs: boolean): Processes => ({
    ...systemProcesses,
    platform,
    isAlive: () => runs,
  });

  test.each(['win32', 'darwin'] as const)('on %s a number that runs may be another process by now', (platform) => {
    expect(lifeOf({ ...me, pid: 8 }, me, processes(platform, false))).toBe('dead');
    expect(lifeOf({ ...me, pid: 8 }, me, processes(platform, true))).toBe('unknown');
    expect(lifeOf({ ...me, pid: 8, started: '1' }, me, processes(platform, true))).toBe('alive');
    expect(lifeOf({ ...me, pid: 8, host: 'other' }, me, processes(platform, true))).toBe('unknown');
  });
});

describe.skipIf(process.platform === WINDOWS)('a password command that does not end', () => {
  it('is ended with all that it has started', async () => {
    const folder = await realpath(await mkdtemp(path.join(os.tmpdir(), 'taskkill-')));
    try {
      // Replaces the program of Windows.
      await writeFile(path.join(folder, 'taskkill'), `#!/bin/sh\necho "$@" > "${folder}/asked"\n`);
      await chmod(path.join(folder, 'taskkill'), 0o755);
      const started = performance.now();
      const running = runPasswordCommand(['/bin/sleep', '100'], 'profile "a": password-command', {
        env: { PATH: `${folder}:/usr/bin:/bin` },
        folder,
        isTerminal: false,
        platform: WINDOWS,
        timeLimit: 50,
      });
      await expect(running).rejects.toThrow(/printed no password within 0.05 s$/);
      expect(performance.now() - started).toBeLessThan(60_000);
      expect(await readFile(path.join(folder, 'asked'), 'utf8')).toMatch(/^\/pid \d+ \/t \/f\n$/);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

test('Ctrl-Break interrupts as Ctrl-C does', async () => {
  const home = await mkdtemp(path.join(os.tmpdir(), 'break-'));
  try {
    const run = inside(['push', '--simulate', 'slow', '--output', 'json'], { DJI_OTA_HOME: home });
    await run.said('job_published');
    run.kill('SIGBREAK');
    expect((await run.ended).code).toBe(130);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
});
