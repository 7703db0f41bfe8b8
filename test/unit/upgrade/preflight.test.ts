import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createFleetFeed } from '../../../src/fleet/feed.js';
import { createInventory, type InventoryEntry } from '../../../src/fleet/inventory.js';
import { topicOf } from '../../../src/protocol/topics.js';
import { isNewer } from '../../../src/protocol/versions.js';
import { makePlan } from '../../../src/upgrade/plan/plan.js';
import { createPreflight, type LookOptions } from '../../../src/upgrade/preflight/preflight.js';
import type { LeftOut } from '../../../src/upgrade/push.js';
import { fakeBroker } from '../../helpers/fake-broker.js';
import { whole } from '../../helpers/inventory.js';
import { manualClock } from '../../helpers/manual-clock.js';
import { device } from '../../helpers/upgrade-run.js';

const TARGET = '17.07.0401';
const IDLE = { mode_code: 0, emergency_stop_state: 0, drone_in_dock: 1, drone_charge_state: { capacity_percent: 90 } };
const sub = (sn: string, more: object = {}) => ({
  sub_device: { device_sn: sn, device_model_key: '0-100-1', device_online_status: 0, device_paired: 1, ...more },
});

interface Setup extends Partial<Omit<LookOptions, 'clock'>> {
  type?: 2 | 3 | 4;
  /** The reports of each device, by serial number; a dock's topology is added. */
  osd?: Record<string, object>;
  sns?: string[];
  file?: { file_name: string };
}

/** A check of the docks of one or more gateways: `D1` and `A1` on `D1`, `D2` and `A2` on `D2`, ... */
async function look({ type = 3, osd = {}, sns = ['D1', 'A1'], file, ...options }: Setup) {
  const clock = manualClock();
  const warnings: [string, string][] = [];
  const feed = createFleetFeed(clock);
  const planned = sns.map((sn) => ({
    ...device(sn, `D${sn.slice(1)}`),
    ...{ product_version: TARGET, firmware_upgrade_type: type },
    ...(file ? { file: { ...file, file_url: 'http://f', md5: 'm', file_size: 1 } } : {}),
  }));
  const preflight = createPreflight(
    {
      ...{ preflight: 'off', skipCurrent: false, skipUnready: false, allow: new Set(), inventory: createInventory() },
      ...{ known: new Map(), keepListening: false, waitReady: false, signal: new AbortController().signal },
      onWarning: (code, message) => warnings.push([code, message]),
      ...options,
      clock,
    },
    feed,
  );
  const fake = fakeBroker();
  const broker = await fake.connect({ onMessage() {} });
  const checked = preflight.check(broker, makePlan(planned)).then(
    (left): { left: LeftOut[]; refused: null } => ({ left, refused: null }),
    (error): { left: null; refused: { details: string[]; message: string; exitCode: number } } => ({
      left: null,
      refused: error,
    }),
  );
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  for (const [sn, data] of Object.entries(osd)) {
    const payload = Buffer.from(JSON.stringify({ data, gateway: `D${sn.slice(1)}` }));
    preflight.handle({ topic: topicOf('osd', sn), payload, retained: false, qos: 0 } as Parameters<
      typeof preflight.handle
    >[0]);
  }
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  clock.advance(10_000);
  return { ...(await checked), warnings, asked: fake.journal.filter((line) => line.startsWith('subscribe')).length };
}

const entry = (sn: string, more: Partial<InventoryEntry>) => whole({ sn, pid: `D${sn.slice(1)}`, ...more });
const inventoryOf = (...entries: InventoryEntry[]) => {
  const inventory = createInventory();
  for (const one of entries) inventory.devices.set(one.sn, one);
  return inventory;
};
// The start of a manual clock.
const NOW = Date.UTC(2026, 0, 1) + 10_000;
const HOUR = 3_600_000;
const ran = (sn: string, firmware_version: string, hours: number, more: Partial<InventoryEntry> = {}) =>
  entry(sn, { firmware_version, version_at: NOW - hours * HOUR, heard_at: NOW - hours * HOUR, ...more });

test('no dock is asked where nothing asks for a look', async () => {
  expect(await look({})).toMatchObject({ left: [], asked: 0, warnings: [] });
  expect((await look({ skipUnready: true })).asked).toBeGreaterThan(0);
});

describe('a pair of which one half is not ready', () => {
  const away = { D1: { ...IDLE, ...sub('A1'), drone_in_dock: 0 } };

  test('is left out as one', async () => {
    const { left, warnings } = await look({ skipUnready: true, osd: away });
    expect(left).toEqual([
      { device: 1, unready: true, reason: expect.stringContaining('not in its dock') },
      { device: 0, unready: true, reason: 'A1 on the same gateway is not ready' },
    ]);
    expect(warnings.map(([code]) => code)).toEqual(['not_ready', 'not_ready']);
  });

  test('with --allow split-pair the ready half is upgraded, with a warning', async () => {
    const { left, warnings } = await look({ skipUnready: true, osd: away, allow: new Set(['split-pair']) });
    expect(left?.map(({ device }) => device)).toEqual([1]);
    expect(warnings.map(([code]) => code)).toEqual(['not_ready', 'split_pair']);
  });

  test('refuses the run with require, and is sent as it is with warn', async () => {
    const refused = await look({ preflight: 'require', osd: away });
    expect(refused.refused).toMatchObject({ exitCode: 7, details: [expect.stringContaining('A1 on gateway D1')] });
    expect(await look({ preflight: 'warn', osd: away })).toMatchObject({
      left: [],
      warnings: [['not_ready', expect.anything()]],
    });
  });

  test('require refuses what is not known as well', async () => {
    const { refused } = await look({ preflight: 'require', osd: { D1: { mode_code: 0 } } });
    expect(refused?.details.join()).toContain('has not reported');
  });

  test('never starts one half whose other half is left out unready, whatever the docks say', async () => {
    const bit = fc.constantFrom(0, 1);
    const dock = fc.record({ mode_code: fc.constantFrom(0, 4), emergency_stop_state: bit, drone_in_dock: bit });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.option(dock, { nil: null }), { minLength: 1, maxLength: 4 }), async (docks) => {
        const sns = docks.flatMap((_, index) => [`D${index}`, `A${index}`]);
        const osd = Object.fromEntries(
          docks.flatMap((one, index) => (one ? [[`D${index}`, { ...IDLE, ...one, ...sub(`A${index}`) }]] : [])),
        );
        const { left } = await look({ skipUnready: true, sns, osd });
        const out = new Set(left?.map(({ device }) => device));
        for (const index of docks.keys()) expect(out.has(2 * index)).toBe(out.has(2 * index + 1));
      }),
      { numRuns: 60 },
    );
  });
});

describe('--skip-current', () => {
  const idle = { D1: { ...IDLE, ...sub('A1') } };

  test('leaves out what is at the target now, or was within a day; what is not known is upgraded and named', async () => {
    const inventory = inventoryOf(ran('A1', '17.07.04.01', 3));
    const { left, warnings } = await look({ skipCurrent: true, osd: idle, inventory });
    expect(left).toEqual([
      { device: 1, reason: expect.stringMatching(/^already at version .*, as reported 3h00m ago \(inventory\)$/) },
    ]);
    expect(warnings).toEqual([
      ['version_unknown', expect.stringMatching(/1 device: D1$/)],
      ['split_pair', expect.stringContaining('D1')],
    ]);
  });

  test('trusts no report that is older than a day', async () => {
    const inventory = inventoryOf(ran('D1', TARGET, 25), ran('A1', TARGET, 25));
    const { left, warnings } = await look({ skipCurrent: true, osd: idle, inventory });
    expect(left).toEqual([]);
    expect(warnings).toEqual([['version_unknown', expect.stringMatching(/2 devices: D1, A1$/)]]);
  });

  test('what a dock says of itself is one warning for both of its devices', async () => {
    const osd = { D1: { ...IDLE, ...sub('A1'), network_state: { quality: 1 } } };
    const { warnings } = await look({ preflight: 'warn', osd });
    expect(warnings).toEqual([['may_fail', expect.stringContaining('network of dock D1')]]);
  });

  test('asks of a consistency upgrade whether one is needed, not for the version', async () => {
    const at = { firmware_version: TARGET };
    const both = (status: number) => ({
      D1: { ...IDLE, ...sub('A1'), ...at, compatible_status: status },
      A1: { ...at, compatible_status: 0 },
    });
    expect((await look({ skipCurrent: true, type: 2, osd: both(1) })).left).toEqual([
      { device: 1, reason: 'it needs no consistency upgrade' },
    ]);
    expect((await look({ skipCurrent: true, type: 2, osd: both(0) })).left).toHaveLength(2);
    const normal = await look({ skipCurrent: true, osd: both(1) });
    expect(normal.left).toHaveLength(2);
    expect(normal.warnings).toEqual([['may_fail', expect.stringContaining('consistency')]]);
  });
});

describe('the downgrade guard', () => {
  test.each([
    [
      'what it reports',
      { osd: { D1: { ...IDLE, ...sub('A1'), firmware_version: '17.08.0001' } }, preflight: 'warn' as const },
    ],
    ['the inventory', { inventory: inventoryOf(ran('D1', '17.08.00.01', 29 * 24)) }],
    ['the manifest', { known: new Map([['D1', { version: '18.00.0003', heard_at: NOW - HOUR }]]) }],
  ])('refuses a release older than %s', async (_name, setup) => {
    const { refused } = await look(setup);
    expect(refused).toMatchObject({
      exitCode: 7,
      details: [expect.stringContaining('(--allow downgrade accepts that)')],
    });
    const allowed = await look({ ...setup, allow: new Set(['downgrade']) });
    expect(allowed.left).toEqual([]);
    expect(allowed.warnings.map(([code]) => code)).toContain('downgrade');
  });

  test.each([
    ['a report of more than 30 days ago', { inventory: inventoryOf(ran('D1', '17.08.0001', 31 * 24)) }],
    ['another spelling', { inventory: inventoryOf(ran('D1', '99.1', 1)) }],
    ['a consistency upgrade', { inventory: inventoryOf(ran('D1', '17.08.0001', 1)), type: 2 as const }],
    ['the same release', { inventory: inventoryOf(ran('D1', '17.07.04.01', 1)) }],
  ])('lets %s pass', async (_name, setup) => {
    expect((await look(setup)).refused).toBeNull();
  });

  test('compares number by number, and only the two known spellings', () => {
    expect(isNewer('17.10.0000', '17.9.0000')).toBe(true);
    expect(isNewer('17.07.04.01', '17.07.0401')).toBe(false);
    expect(isNewer('17.07.0400', '17.07.0401')).toBe(false);
    expect(isNewer('1.00.223', '1.00.222')).toBeNull();
  });
});

test('a package for another model than the device reports is refused', async () => {
  const osd = { D1: { ...IDLE, ...sub('A1') } };
  const file = { file_name: 'M30_UAV_14.03.01.10_pro.zip' };
  const setup = { preflight: 'warn' as const, osd, file, sns: ['A1'] };
  expect((await look(setup)).refused).toMatchObject({
    exitCode: 7,
    details: [expect.stringContaining('model-mismatch')],
  });
  expect((await look({ ...setup, allow: new Set(['model-mismatch']) })).refused).toBeNull();
});

describe('half of a pair in the manifest', () => {
  const models = [ran('D1', TARGET, 1, { model: '3-3-0' }), ran('A1', '17.06.0100', 1, { model: '0-100-1' })];

  test('is warned of where the other one is known to run another release', async () => {
    const { warnings } = await look({ sns: ['D1'], inventory: inventoryOf(...models) });
    expect(warnings).toEqual([['pair_release', expect.stringMatching(/aircraft A1 runs 17\.06\.0100/)]]);
  });

  test('is no matter where releases are not shared, or nothing is known', async () => {
    const other = [ran('D1', TARGET, 1, { model: '3-1-0' }), ran('A1', '14.03.0110', 1, { model: '0-67-0' })];
    expect((await look({ sns: ['D1'], inventory: inventoryOf(...other) })).warnings).toEqual([]);
    expect((await look({ sns: ['D1'] })).warnings).toEqual([]);
  });
});
