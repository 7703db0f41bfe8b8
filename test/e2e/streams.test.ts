/** What is written to stdout and stderr: on terminals, pipes and files, and with CI and NO_COLOR. */
import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type AedesServer, startAedes } from '../helpers/aedes.js';
import { environment, type Workplace, workplace } from '../helpers/cli.js';
import { docksFor, FAST, someDevices, somePairs } from '../helpers/cli-docks.js';
import { ptyAvailable, spawnPty } from '../helpers/pty.js';

const COLOR = /\u001b\[\d[\d;]*m/;
const HIDDEN_CURSOR = '\u001b[?25l';

describe('streams', { concurrent: true }, () => {
  let broker: AedesServer;
  let place: Workplace;
  const ends: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    place = await workplace();
    broker = await startAedes();
  });
  afterAll(async () => {
    for (const end of ends) await end();
    await broker?.stop();
    await place?.close();
  });

  /** A push to its own dock and aircraft. */
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
    expect(stderr).toMatch(/ Run +\d{8}-\d{6}-\w+\n.* Manifest +\/.*\n.* Broker +mqtt:\/\/127/);
    expect(stderr).toMatch(/ Took \d+s\. Exit code 0: every device ended well.*\n.* dji-ota runs \d{8}-\d{6}-\w+\n$/);
    for (const line of lines) expect(line).toMatch(/^\d\d:\d\d:\d\d {2}\S/);
    // One line for both devices of the job, because their progress is the same.
    for (const step of ['download', 'upgrade']) {
      const told = new RegExp(`\\s${sns.join(' \\+ ')}\\s+${step}\\s+(\\d+) %`);
      const percents = lines.flatMap((line) => told.exec(line)?.[1] ?? []);
      expect(percents.length).toBeGreaterThan(1);
      const tens = percents.map((percent) => Math.floor(Number(percent) / 10));
      expect(tens).toEqual([...new Set(tens)]);
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

  it('gives a CI system no command, whatever manifest, files and arguments hold', async () => {
    const command = '::set-output name=x::y';
    const mark = '##[add-path]tmp';
    const devices = somePairs(1).map((device) => ({
      ...device,
      sn: `${command}${device.sn.slice(-2)}`,
      labels: undefined,
      product_version: `17.07 ${mark}`,
    }));
    const manifest = await place.put('hostile.json', devices);
    const bad = await place.put(`${mark}.json`, { devices: [{ [command]: 1, sn: mark }] });
    const zip = await place.put(`::stop-commands::x ${mark}.zip`, 'no package');
    for (const args of [
      ['push', manifest, '--dry-run'],
      ['push', manifest, '--dry-run', '--output', 'json'],
      ['push', manifest, '--simulate'],
      ['push', bad],
      ['push', command],
      ['inspect', zip],
      ['inspect', zip, '--output', 'json'],
      ['help', command],
      [mark],
      ['runs', command],
    ]) {
      const { stdout, stderr } = await place.run(args, { env: { GITHUB_ACTIONS: 'true', CI: 'true' } });
      const lines = (stdout + stderr).split(/[\r\n]+/);
      const ours = /^::(group|endgroup|error title|warning title)/;
      const commands = lines.filter((line) => line.trimStart().startsWith('::') && !ours.test(line));
      expect(commands, args.join(' ')).toEqual([]);
      expect(stdout + stderr, args.join(' ')).not.toMatch(/##[A-Za-z]*\[/);
    }
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
    for (const args of [['--help'], ['push', '--help', 'all'], ['help', 'watch'], ['--version'], []]) {
      const { code, stdout, stderr } = await place.run(args);
      expect([code, stderr]).toEqual([0, '']);
      expect(stdout).not.toBe('');
      if (args[0] !== 'push') continue;
      for (const part of ['--waves', '--reply-timeout', 'Exit codes:', '130, 143', 'Examples:'])
        expect(stdout).toContain(part);
    }
  });

  describe('on a terminal', () => {
    const SIZE = { columns: 80, rows: 24 };
    const run = async (env: Record<string, string>, ...more: string[]) => {
      const { args } = await push(...more);
      const { code, stdout } = await place.run([...args, '--yes'], {
        env: { TERM: 'xterm-256color', ...env },
        terminal: SIZE,
      });
      return { code, screen: stdout };
    };

    it('draws bars, in colour, and leaves the cursor and the table behind', async () => {
      const { code, screen } = await run({});
      expect(code, screen).toBe(0);
      expect(screen).toContain(HIDDEN_CURSOR);
      expect(screen).toMatch(COLOR);
      expect(screen).toMatch(/━/);
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

    it.each([
      ['that was never given a size', { columns: 0, rows: 0 }],
      ['larger than any screen', { columns: 65_535, rows: 65_535 }],
      ['of one cell', { columns: 1, rows: 1 }],
    ])('draws on a terminal %s, and Ctrl-C ends it', async (_, size) => {
      const devices = somePairs(20);
      ends.push(await docksFor(broker.url, devices, { behavior: { download_seconds: 60 } }));
      const manifest = await place.put(`sized-${size.columns}.json`, devices);
      const args = ['push', manifest, '--broker', broker.url, '--reply-timeout', '5s', '--yes'];
      const terminal = place.start(args, { env: { TERM: 'xterm-256color' }, terminal: size });
      await terminal.said(size.columns === 1 ? /\?2026h(.|\s)*\?2026h/ : /Upgrading/);
      terminal.kill('SIGINT');
      const { code, stdout } = await terminal.ended;
      expect(code).toBe(130);
      expect(stdout.length).toBeLessThan(1_000_000);
    });

    it.skipIf(!ptyAvailable())('follows to the end where nobody takes what it says, and SIGTERM ends it', async () => {
      // Terminal and pipe buffer a few hundred kilobytes.
      const devices = somePairs(60);
      const manifest = await place.put('unread.json', devices);
      const scenario = await place.put('unread-scenario.json', { defaults: FAST });
      const home = await mkdtemp(join(place.folder, 'home-'));
      const args = ['push', manifest, '--simulate', scenario, '--output', 'json'];
      const terminal = spawnPty(args, { env: environment(home, { TERM: 'xterm-256color' }), unread: true });
      const finished = async () => {
        const folder = join(home, 'home', 'state', 'runs');
        const [journal] = await readdir(folder).catch(() => []);
        return journal !== undefined && (await readFile(join(folder, journal), 'utf8')).includes('"kind":"finished"');
      };
      await vi.waitUntil(finished, { timeout: 40_000, interval: 100 });
      process.kill(terminal.pid(), 'SIGTERM');
      // Its parent is blocked, so it stays a zombie.
      const state = () => readFile(`/proc/${terminal.pid()}/stat`, 'utf8').catch(() => ' Z ');
      await vi.waitUntil(async () => / [ZX] /.test(await state()), { timeout: 15_000, interval: 50 });
      terminal.read();
      await terminal.ended;
    });

    it('asks with --confirm, and stops at no', async () => {
      const lonely = await place.put('lonely.json', someDevices(1));
      const args = ['push', lonely, '--broker', broker.url, '--confirm'];
      const terminal = place.start(args, { env: { TERM: 'xterm-256color' }, terminal: SIZE });
      await terminal.said('[y/N]');
      terminal.type('n\r');
      const { code, stdout } = await terminal.ended;
      expect(stdout).toMatch(/Upgrade 1 device\?/);
      expect(stdout).toMatch(/Nothing was published/);
      expect(code).toBe(130);
    });

    it('asks by itself for several gateways, or after a warning, and for nothing else', async () => {
      const devices = someDevices(2);
      ends.push(await docksFor(broker.url, devices, { behavior: FAST }));
      const start = async (name: string, chosen: unknown, ...more: string[]) => {
        const args = ['push', await place.put(name, chosen as object), '--broker', broker.url, ...more];
        return place.start(args, { env: { TERM: 'xterm-256color' }, terminal: SIZE });
      };
      const several = await start('several.json', devices);
      await several.said('[y/N]');
      several.type('y\r');
      expect(await several.ended).toMatchObject({ code: 0 });
      const odd = { ...devices[0], product_version: 'latest, please' };
      const doubtful = await start('doubtful.json', [odd]);
      await doubtful.said('[y/N]');
      doubtful.type('n\r');
      expect(await doubtful.ended).toMatchObject({ code: 130 });
      for (const [name, chosen, ...more] of [
        ['one.json', [devices[0]]],
        ['yes.json', devices, '--yes'],
      ] as const) {
        const { code, stdout } = await (await start(name, chosen, ...more)).ended;
        expect([code, stdout.includes('[y/N]')], stdout).toEqual([0, false]);
      }
      const both = await start('both.json', devices, '--yes', '--confirm');
      expect(await both.ended).toMatchObject({ code: 2 });
    });
  });
});
