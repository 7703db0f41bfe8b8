/** Which words go where: terminals, pipes and files, and what CI and NO_COLOR change. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { environment, type Workplace, workplace } from '../helpers/cli.js';
import { docksFor, someDevices, somePairs } from '../helpers/cli-docks.js';
import { type Mosquitto, mosquittoAvailable, startMosquitto } from '../helpers/mosquitto.js';
import { ptyAvailable, spawnPty } from '../helpers/pty.js';

const COLOR = /\u001b\[\d[\d;]*m/;
const HIDDEN_CURSOR = '\u001b[?25l';

describe.skipIf(!mosquittoAvailable())('streams', { concurrent: true }, () => {
  let broker: Mosquitto;
  let place: Workplace;
  const ends: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    place = await workplace();
    broker = (await startMosquitto()) as Mosquitto;
  });
  afterAll(async () => {
    for (const end of ends) await end();
    await broker?.stop();
    await place?.close();
  });

  /** A push to a dock and an aircraft of its own. */
  async function push(...more: string[]): Promise<{ args: string[]; sns: string[] }> {
    const devices = somePairs(1);
    ends.push(await docksFor(broker.url, devices, { behavior: { download_seconds: 1, upgrade_seconds: 1 } }));
    const manifest = await place.put(`${devices[0]?.sn}.json`, devices);
    return { args: ['push', manifest, '--broker', broker.url, ...more], sns: devices.map(({ sn }) => sn) };
  }

  it.each([
    ['by itself', []],
    ['where bars are asked for in vain', ['--output', 'bars']],
  ])('writes a log on stderr and the table on stdout, without a terminal: %s', async (_, more) => {
    const { args, sns } = await push(...more);
    const { code, stdout, stderr } = await place.run(args);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^DEVICE .*\n(.+ ok .*\n){2}2 devices: .*2 ok\n$/);
    expect(stdout + stderr).not.toContain('\u001b');
    const lines = stderr.trimEnd().split('\n');
    for (const line of lines) expect(line).toMatch(/^\d\d:\d\d:\d\d {2}\S/);
    for (const sn of sns) {
      for (const step of ['download', 'upgrade']) {
        const percents = lines.flatMap((line) => new RegExp(`\\s${sn}\\s+${step}\\s+(\\d+) %`).exec(line)?.[1] ?? []);
        expect(percents.length).toBeGreaterThan(1);
        const tens = percents.map((percent) => Math.floor(Number(percent) / 10));
        expect(tens).toEqual([...new Set(tens)]);
      }
    }
  });

  it('writes neither table nor log with json, nor with quiet', async () => {
    const json = await place.run((await push('--output', 'json')).args);
    expect(json.stderr).toBe('');
    for (const line of json.stdout.trimEnd().split('\n')) expect(line).toMatch(/^\{"schema":1,.*\}$/);
    expect(await place.run((await push()).args, { env: { DJI_OTA_OUTPUT: 'quiet' } })).toMatchObject({
      code: 0,
      stdout: '',
      stderr: '',
    });
  });

  it('says every usage error as JSON too, wherever the option stands', async () => {
    for (const args of [
      ['push', '--output=json', '--nonsense'],
      ['watch', '--output', 'json'],
      ['push', 'x.json', '--broker', 'http://x', '--output', 'json'],
    ]) {
      const { code, stdout } = await place.run(args);
      const lines = stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>);
      expect([code, lines.at(-1)?.event, lines.at(-1)?.exit_code]).toEqual([2, 'run_finished', 2]);
      expect(lines.at(-2)?.event).toBe('error');
    }
  });

  it('shows help and version on stdout, and ends with 0', async () => {
    for (const args of [['--help'], ['push', '--help'], ['help', 'watch'], ['--version'], []]) {
      const { code, stdout, stderr } = await place.run(args);
      expect([code, stderr]).toEqual([0, '']);
      expect(stdout).not.toBe('');
      if (args[0] !== 'push') continue;
      for (const part of ['--waves', '--reply-timeout', 'Exit codes:', '130, 143', 'Examples:'])
        expect(stdout).toContain(part);
    }
  });

  describe.skipIf(!ptyAvailable())('on a terminal', () => {
    const run = async (env: Record<string, string>, ...more: string[]) =>
      spawnPty((await push(...more)).args, { env: environment(place.folder, { TERM: 'xterm-256color', ...env }) })
        .ended;

    it('draws bars, in colour, and leaves the cursor and the table behind', async () => {
      const { code, screen } = await run({});
      expect(code, screen).toBe(0);
      expect(screen).toContain(HIDDEN_CURSOR);
      expect(screen).toMatch(COLOR);
      expect(screen).toMatch(/█/);
      expect(screen.lastIndexOf('\u001b[?25h')).toBeGreaterThan(screen.lastIndexOf(HIDDEN_CURSOR));
      expect(screen.slice(screen.lastIndexOf('\u001b[?25h'))).toMatch(/DEVICE/);
    });

    it.each([
      ['NO_COLOR', { NO_COLOR: '1' }, []],
      ['--no-color', {}, ['--no-color']],
    ])('draws without colour under %s', async (_, env, more) => {
      const { screen } = await run(env, ...more);
      expect(screen).toContain(HIDDEN_CURSOR);
      expect(screen).not.toMatch(COLOR);
    });

    it.each([
      ['CI', { CI: 'true' }],
      ['a terminal that can do nothing', { TERM: 'dumb' }],
    ])('writes a log under %s', async (_, env) => {
      const { code, screen } = await run(env as Record<string, string>);
      expect(code, screen).toBe(0);
      expect(screen).not.toContain(HIDDEN_CURSOR);
      expect(screen).toMatch(/push begins/);
    });

    it('asks with --confirm, and takes no for an answer', async () => {
      const lonely = await place.put('lonely.json', someDevices(1));
      const args = ['push', lonely, '--broker', broker.url, '--confirm'];
      const terminal = spawnPty(args, { env: environment(place.folder, { TERM: 'xterm-256color' }) });
      await terminal.said(/\[y\/N\]/);
      terminal.write('n\r');
      const { code, screen } = await terminal.ended;
      expect(screen).toMatch(/Upgrade 1 device\?/);
      expect(screen).toMatch(/Nothing was published/);
      expect(code).toBe(130);
    });
  });
});
