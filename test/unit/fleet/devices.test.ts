import { describe, expect, it } from 'vitest';
import { showDevices } from '../../../src/cli/commands/devices/devices.js';
import type { DevicesOptions } from '../../../src/cli/commands/devices/options.js';
import { OtaError } from '../../../src/errors.js';
import type { Inventory } from '../../../src/fleet/inventory.js';
import { ONLINE_FOR } from '../../../src/fleet/properties.js';
import type { ManifestDevice } from '../../../src/manifest/model.js';
import type { Broker, BrokerEvents } from '../../../src/mqtt/broker.js';
import { topicOf } from '../../../src/protocol/topics.js';
import { splitIo } from '../../helpers/inside.js';
import { inventoryOf } from '../../helpers/inventory.js';
import { manualClock } from '../../helpers/manual-clock.js';

const DOCK = {
  mode_code: 0,
  emergency_stop_state: 0,
  drone_in_dock: 1,
  firmware_version: '10.01.1606',
  compatible_status: 0,
};
const AIRCRAFT = {
  sub_device: { device_sn: 'A1', device_model_key: '0-91-1', device_online_status: 1, device_paired: 1 },
  drone_charge_state: { capacity_percent: 88 },
};

function manifest(devices: Partial<ManifestDevice>[]): ManifestDevice[] {
  return devices as ManifestDevice[];
}

type Asked = Partial<Omit<DevicesOptions, 'target'>> & { target?: ManifestDevice[]; inventory?: Inventory };

/** Runs the command on a separate broker, with a manual clock. */
function start({ target, inventory, ...options }: Asked, terminal?: { rows: number; columns: number }) {
  const clock = manualClock();
  const abort = new AbortController();
  let events: BrokerEvents | undefined;
  let closed = 0;
  let connected = true;
  let out = '';
  const broker: Broker = {
    url: 'mqtt://test:1883',
    version: '5',
    get connected() {
      return connected;
    },
    async subscribe() {},
    async unsubscribe() {},
    async publish() {},
    async close() {
      closed++;
    },
  };
  // The inventory cannot be stored there.
  const { io, err } = splitIo({ signal: abort.signal, clock, env: { DJI_OTA_HOME: '/dev/null' } });
  io.stdout = {
    isTTY: terminal !== undefined,
    ...terminal,
    write(text: string) {
      out += text;
      return true;
    },
  } as NodeJS.WriteStream;
  const code = showDevices(
    { pid: ['D1'], output: 'table', timeout: 10_000, color: false, ...options },
    target,
    async (given) => {
      events = given;
      return broker;
    },
    io,
    inventory,
  );
  code.catch(() => {});
  return {
    code,
    clock,
    abort,
    closed: () => closed,
    lose() {
      connected = false;
    },
    events: () => events as BrokerEvents,
    osd: (serial: string, data: object, retained = false) =>
      events?.onMessage({ topic: topicOf('osd', serial), payload: Buffer.from(JSON.stringify({ data })), retained }),
    /** The output to stdout since the last call. */
    out() {
      const text = out;
      out = '';
      return text;
    },
    err,
  };
}

const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
const lines = (text: string) => text.split('\n').filter(Boolean);

describe('the list', () => {
  it('shows a dock, its aircraft and a gateway that says nothing', async () => {
    const run = start({ pid: ['D1', 'D2', 'D1'] });
    await settle();
    run.osd('D1', { ...DOCK, ...AIRCRAFT });
    run.osd('A1', { firmware_version: '10.01.1700', compatible_status: 1 });
    run.clock.advance(10_000);
    expect(await run.code).toBe(0);
    expect(run.closed()).toBe(1);
    expect(run.out()).toMatchInlineSnapshot(`
      "GATEWAY  DEVICE  MODEL  FIRMWARE    CONSISTENCY     BATTERY        MODE      READY    WHY NOT
      D1       D1      dock   10.01.1606  consistent       88 %          idle (0)  yes
      D1       A1      M3TD   10.01.1700  upgrade needed   88 % charger  -         yes
      D2       D2      -      unknown     unknown         -              -         offline  dock D2 reported nothing: check its power, its network and that it uses this broker
      3 devices: 2 ready, 1 offline
      "
    `);
  });

  it('keeps at 120 columns what decides, with the version of a manifest, and counts', async () => {
    const target = manifest([
      { sn: 'D1', pid: 'D1', product_version: '10.02' },
      { sn: 'D2', pid: 'D2', product_version: '10.01.1606' },
    ]);
    const run = start({ pid: [], target }, { rows: 24, columns: 120 });
    await settle();
    run.osd('D1', { ...DOCK, mode_code: 4 });
    run.osd('D2', DOCK);
    run.clock.advance(10_000);
    expect(await run.code).toBe(0);
    const out = run.out();
    expect(out).toMatch(/^\S*DEVICE +MODEL +FIRMWARE +TARGET +READY +PUSH +WHY NOT/);
    expect(out).toMatch(/^D1 .* 10\.02 +no +not ready +dock D1 is in mode working/m);
    expect(out).toMatch(/^D2 .* 10\.01\.1606 +yes +already current/m);
    expect(out).toMatch(/^2 devices: 1 not ready, 1 ready; push: 1 not ready, 1 already current$/m);
    for (const line of lines(out)) expect(line.length).toBeLessThan(120);
  });

  it('ends early, as JSON in one line with every key', async () => {
    const run = start({ output: 'json' });
    await settle();
    run.osd('D1', { ...DOCK, ...AIRCRAFT });
    run.osd('A1', { firmware_version: '10.01.1700' });
    expect(await run.code).toBe(0);
    const text = run.out();
    expect(lines(text)).toHaveLength(1);
    const result = JSON.parse(text);
    expect(result).toMatchObject({ schema: 1, time: '2026-01-01T00:00:00.000Z', broker: 'mqtt://test:1883' });
    expect(result.devices).toHaveLength(2);
    expect(result.devices[0]).toEqual({
      sn: 'D1',
      pid: 'D1',
      kind: 'dock',
      model: null,
      model_name: null,
      firmware_version: '10.01.1606',
      firmware_version_live: true,
      known_version: { version: '10.01.1606', heard_at: '2026-01-01T00:00:00.000Z', source: 'live' },
      compatible_status: 0,
      consistency: 'consistent',
      known_consistency: null,
      firmware_upgrade_status: null,
      mode_code: 0,
      emergency_stop_state: 0,
      drone_in_dock: 1,
      capacity_percent: 88,
      capacity_source: 'drone_charge_state',
      online: true,
      last_heard: '2026-01-01T00:00:00.000Z',
      ready: true,
      reasons: [],
      warnings: [],
      asleep: false,
      presence: null,
      target: null,
      firmware_upgrade_type: null,
      action: null,
      labels: {},
    });
    expect(result.devices[1]).toMatchObject({ sn: 'A1', pid: 'D1', kind: 'aircraft', model_name: 'M3TD', ready: true });
    expect(run.err()).toBe('');
  });

  describe('with what was reported to earlier commands', () => {
    const NOW = Date.UTC(2026, 0, 1);
    const HOUR = 3_600_000;
    const target = (more: object = {}) =>
      manifest([
        { sn: 'D1', pid: 'D1', product_version: '10.02.0001', firmware_upgrade_type: 3, known: null, ...more },
      ]);
    const known = (age: number, more: object = {}) =>
      inventoryOf({
        sn: 'D1',
        firmware_version: '10.02.0001',
        version_at: NOW + 10_000 - age,
        model: '3-3-0',
        ...more,
      });
    const { firmware_version: _, compatible_status: __, ...silent } = DOCK;

    async function listed(
      inventory: Inventory | undefined,
      devices: ManifestDevice[],
      output: 'json' | 'table' = 'json',
    ) {
      const run = start({ pid: [], target: devices, output, ...(inventory ? { inventory } : {}) });
      await settle();
      run.osd('D1', silent);
      run.clock.advance(10_000);
      expect(await run.code).toBe(0);
      return run.out();
    }
    const row = async (...args: Parameters<typeof listed>) => JSON.parse(await listed(...args)).devices[0];

    it('a version that nobody heard is unknown, and so is what push would do', async () => {
      expect(await row(undefined, target())).toMatchObject({ ready: true, known_version: null, action: 'unknown' });
      expect(await listed(undefined, target(), 'table')).toMatch(/unknown +10\.02\.0001 +unknown .* yes +unknown/);
    });

    it('a version decides for a day, and is shown with its age after it', async () => {
      expect(await row(known(23 * HOUR), target())).toMatchObject({
        firmware_version: null,
        model_name: 'Dock 3',
        known_version: { version: '10.02.0001', heard_at: '2025-12-31T01:00:10.000Z', source: 'inventory' },
        action: 'current',
      });
      expect(await row(known(25 * HOUR), target())).toMatchObject({ action: 'unknown' });
      expect(await row(known(HOUR, { firmware_version: '1.0' }), target())).toMatchObject({ action: 'upgrade' });
      expect(await listed(known(50 * HOUR), target(), 'table')).toContain('10.02.0001 (2d ago)');
      const noted = { version: '10.02.0001', model: null, heard_at: NOW };
      expect(await row(undefined, target({ known: noted }))).toMatchObject({
        known_version: { source: 'manifest' },
        action: 'current',
      });
    });

    it('a release that is newer than the target is a downgrade that push refuses', async () => {
      const newer = known(29 * 24 * HOUR, { firmware_version: '10.03.0001' });
      expect((await row(newer, target())).warnings).toMatchObject([{ code: 'downgrade' }]);
      expect(await listed(newer, target(), 'table')).toContain('--allow downgrade');
      const old = known(31 * 24 * HOUR, { firmware_version: '10.03.0001' });
      expect((await row(old, target())).warnings).toEqual([]);
      expect((await row(newer, target({ firmware_upgrade_type: 2 }))).warnings).toEqual([]);
    });

    it('a consistency upgrade is judged by the consistency alone', async () => {
      const told = (compatible_status: number) => known(HOUR, { compatible_status, compatible_at: NOW - HOUR });
      const consistency = target({ firmware_upgrade_type: 2 });
      expect(await row(known(HOUR), consistency)).toMatchObject({ action: 'unknown' });
      expect(await row(told(0), consistency)).toMatchObject({ action: 'current' });
      expect(await row(told(1), consistency)).toMatchObject({
        action: 'upgrade',
        known_consistency: { compatible_status: 1, heard_at: '2025-12-31T23:00:00.000Z' },
      });
      expect(await listed(told(1), consistency, 'table')).toMatch(
        /10\.02\.0001, consistency \(2\) +upgrade needed \(60m ago\)/,
      );
    });
  });

  it('shows labels, and with --select the devices that have one', async () => {
    const target = manifest([
      { sn: 'D1', pid: 'D1', product_version: '1.0', labels: { site: 'north' } },
      { sn: 'A1', pid: 'D1', product_version: '1.0', labels: { site: 'south' } },
    ]);
    const run = start({ pid: [], target, select: ['site=south'] });
    await settle();
    run.osd('D1', { ...DOCK, ...AIRCRAFT });
    run.osd('A1', { firmware_version: '1.0' });
    run.clock.advance(10_000);
    expect(await run.code).toBe(0);
    const [head, ...rows] = lines(run.out());
    expect(head).toMatch(/^GATEWAY +DEVICE +SITE/);
    expect(rows).toEqual([expect.stringMatching(/^D1 +A1 +south .* current/), expect.stringMatching(/^1 device:/)]);
    await expect(start({ select: ['site=south'] }).code).rejects.toThrow('--select is given without --target');
  });

  it.each([
    ['away', { drone_in_dock: 0 }],
    ['unpaired', { sub_device: { ...AIRCRAFT.sub_device, device_paired: 0 } }],
    ['other dock', { sub_device: { ...AIRCRAFT.sub_device, device_sn: 'A2' } }],
  ])('says that an aircraft is %s', async (where, more) => {
    const run = start({ pid: [], target: manifest([{ sn: 'A1', pid: 'D1', product_version: '1.0' }]) });
    await settle();
    run.osd('D1', { ...DOCK, ...AIRCRAFT, ...more });
    run.clock.advance(10_000);
    expect(await run.code).toBe(0);
    expect(run.out()).toMatch(new RegExp(`^D1 +A1 .* no \\(${where}\\) +not ready`, 'm'));
  });

  it('is an error where the connection is lost to its end: docks that nobody could hear are not offline', async () => {
    const run = start({});
    await settle();
    run.lose();
    run.clock.advance(10_000);
    await expect(run.code).rejects.toMatchObject({ code: 'broker_lost', exitCode: 4 });
  });

  it('warns on stderr beside JSON, too', async () => {
    const run = start({ output: 'json' });
    await settle();
    run.events().onLost?.('connection reset');
    expect(run.err()).toBe('warning: connection to the broker lost, reconnecting: connection reset\n');
    run.osd('D1', DOCK);
    run.clock.advance(10_000);
    expect(await run.code).toBe(0);
    expect(lines(run.out())).toHaveLength(1);
  });

  it('says what a push of the manifest would do, on its gateways', async () => {
    const target = manifest([
      { sn: 'D1', pid: 'D1', product_version: '10.01.16.06' },
      { sn: 'A1', pid: 'D1', product_version: '10.01.1800' },
      { sn: 'A2', pid: 'D2', product_version: '10.01.1800' },
    ]);
    const run = start({ pid: [], target, output: 'json' });
    await settle();
    run.osd('D1', { ...DOCK, ...AIRCRAFT });
    run.osd('A1', { firmware_version: '10.01.1700' });
    run.osd('D2', { mode_code: 4 });
    run.clock.advance(10_000);
    expect(await run.code).toBe(0);
    const { devices } = JSON.parse(run.out());
    const short = devices.map((row: Record<string, unknown>) => [row.pid, row.sn, row.target, row.action]);
    expect(short).toEqual([
      ['D1', 'D1', '10.01.16.06', 'current'],
      ['D1', 'A1', '10.01.1800', 'upgrade'],
      ['D2', 'D2', null, null],
      ['D2', 'A2', '10.01.1800', 'not_ready'],
    ]);
  });

  it('finds all gateways with --all, and says if there are none', async () => {
    const run = start({ pid: [], all: true });
    await settle();
    run.osd('D2', DOCK);
    run.osd('D1', { ...DOCK, ...AIRCRAFT });
    run.clock.advance(10_000);
    expect(await run.code).toBe(0);
    expect(lines(run.out()).map((line) => line.split(/\s+/)[1])).toEqual(['DEVICE', 'D1', 'A1', 'D2', 'devices:']);
    const nobody = start({ pid: [], all: true });
    await settle();
    nobody.clock.advance(10_000);
    expect(await nobody.code).toBe(0);
    expect(nobody.out()).toBe('');
    expect(nobody.err()).toBe('No device reported within 10s on mqtt://test:1883.\n');
  });

  it('marks what the broker has kept, and does not call it online', async () => {
    const run = start({});
    await settle();
    run.osd('D1', DOCK, true);
    run.clock.advance(10_000);
    await run.code;
    const out = run.out();
    expect(out).toContain('10.01.1606 (retained)');
    expect(out).toContain('offline');
  });

  it('shows no control character that a device sends', async () => {
    for (const output of ['table', 'json'] as const) {
      const run = start({ output });
      await settle();
      run.osd('D1', { ...DOCK, firmware_version: '1\u001b[2J\u009b\u2028' });
      run.clock.advance(10_000);
      await run.code;
      expect(run.out()).not.toMatch(/[\u001b\u009b\u2028]/);
    }
  });

  it('refuses what cannot be a gateway, before it connects', async () => {
    await expect(start({ pid: ['a/+'] }).code).rejects.toMatchObject({ code: 'usage' });
    await expect(start({ pid: [] }).code).rejects.toMatchObject({ code: 'usage' });
  });

  it('fails with the broker and closes it', async () => {
    const run = start({});
    await settle();
    run.events().onGone?.(new OtaError('broker_lost', 'not found again'));
    await expect(run.code).rejects.toMatchObject({ code: 'broker_lost' });
    expect(run.closed()).toBe(1);
  });

  it.each([
    [undefined, 130],
    [143, 143],
  ])('ends on an interruption with nothing on stdout (%s)', async (reason, code) => {
    const run = start({ output: 'json' });
    await settle();
    run.abort.abort(reason);
    expect(await run.code).toBe(code);
    expect(run.out()).toBe('');
  });
});

describe('--watch', () => {
  it('writes one JSON line for each change, complete ones first', async () => {
    const run = start({ watch: true, output: 'json', pid: ['D1', 'D2'] });
    await settle();
    run.osd('D1', { mode_code: 0, firmware_version: '10.01.1606' });
    run.clock.advance(500);
    expect(run.out()).toBe('');
    run.osd('D1', {
      emergency_stop_state: 0,
      drone_in_dock: 1,
      sub_device: { device_sn: 'A1', device_online_status: 0 },
    });
    run.clock.advance(500);
    const first = lines(run.out()).map((line) => JSON.parse(line));
    expect(first.map((row) => [row.event, row.sn, row.ready])).toEqual([
      ['device', 'D1', true],
      ['device', 'A1', true],
    ]);
    run.osd('D1', { mode_code: 0 });
    run.clock.advance(2_000);
    expect(run.out()).toBe('');
    run.osd('D1', { mode_code: 4 });
    run.osd('D1', { mode_code: 3 });
    run.clock.advance(500);
    expect(lines(run.out()).map((line) => JSON.parse(line).reasons[0].code)).toEqual([
      'already_upgrading',
      'already_upgrading',
    ]);
    run.clock.advance(10_000);
    const late = lines(run.out()).map((line) => JSON.parse(line));
    expect(late.map((row) => [row.sn, row.online])).toEqual([['D2', false]]);
    run.clock.advance(ONLINE_FOR);
    const silent = lines(run.out()).map((line) => JSON.parse(line));
    expect(silent.map((row) => [row.sn, row.reasons[0].code])).toEqual([
      ['D1', 'offline'],
      ['A1', 'offline'],
    ]);
    run.clock.advance(60_000);
    expect(run.out()).toBe('');
    run.abort.abort();
    expect(await run.code).toBe(130);
    expect(run.closed()).toBe(1);
  });

  it('shows what is not ready first, each gateway with its aircraft', async () => {
    const run = start({ watch: true, pid: ['D1', 'D2'] }, { rows: 24, columns: 120 });
    await settle();
    run.osd('D1', { ...DOCK, ...AIRCRAFT });
    run.osd('D2', { ...DOCK, mode_code: 4 });
    run.clock.advance(4_000);
    const frame = run.out().split('\u001b[H').at(-1) ?? '';
    const shown = frame.split('\n').map((line) => line.trim().split(/\s/)[0] ?? '');
    expect(shown.filter((word) => ['D1', 'A1', 'D2'].includes(word))).toEqual(['D2', 'D1', 'A1']);
    expect(frame).toMatch(/3 devices: .*1 not ready/);
    run.abort.abort();
    await run.code;
  });

  it('writes lines where there is no terminal', async () => {
    const run = start({ watch: true, target: manifest([{ sn: 'D1', pid: 'D1', product_version: '10.02' }]) });
    await settle();
    run.osd('D1', { ...DOCK, mode_code: 4 });
    run.clock.advance(3_500);
    expect(run.out()).toBe(
      '2026-01-01T00:00:03.500Z  D1  dock  10.01.1606 -> 10.02 (not ready)  consistent  ' +
        'not ready: dock D1 is in mode working (4): try again when it is idle (0)\n',
    );
    run.events().onLost?.('connection reset');
    expect(run.err()).toContain('connection reset');
    run.events().onGone?.(new OtaError('broker_lost', 'gone'));
    await expect(run.code).rejects.toMatchObject({ code: 'broker_lost' });
  });

  it('does not list an aircraft as a gateway once its dock has named it', async () => {
    const run = start({ watch: true, output: 'json', pid: [], all: true });
    await settle();
    run.osd('A1', { firmware_version: '1' });
    run.osd('D1', { ...DOCK, ...AIRCRAFT });
    run.clock.advance(4_000);
    expect(
      lines(run.out())
        .map((line) => JSON.parse(line))
        .map(({ pid, sn }) => [pid, sn]),
    ).toEqual([
      ['D1', 'D1'],
      ['D1', 'A1'],
    ]);
  });

  it('draws within the terminal, at most twice a second, and leaves it as it was', async () => {
    const pids = Array.from({ length: 50 }, (_, i) => `D${i}`);
    const run = start({ watch: true, pid: pids }, { rows: 10, columns: 60 });
    await settle();
    expect(run.out()).toContain('\u001b[?1049h');
    for (let i = 0; i < 20; i++) {
      for (const pid of pids) run.osd(pid, { ...DOCK, mode_code: i % 2 });
      run.clock.advance(100);
    }
    const drawn = run.out();
    expect(drawn.split('\u001b[H').length - 1).toBeLessThanOrEqual(4);
    run.clock.advance(4_000);
    const frame = run.out().split('\u001b[H').at(-1) ?? '';
    expect(frame.split('\n').length).toBeLessThanOrEqual(10);
    for (const line of frame.replaceAll(/\u001b\[[\d?]*[A-Za-z]/g, '').split('\n'))
      expect(line.length).toBeLessThan(60);
    run.abort.abort();
    await run.code;
    const end = run.out();
    expect(end).toContain('\u001b[?25h\u001b[?1049l');
    expect(end).toContain('D49');
  });
});
