import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseShard, selectDevices, selectedHalves, shardGateways } from '../../../src/manifest/select.js';
import { errorOf, manifestDevice } from '../../helpers/manifest.js';

// The same values in every run.
fc.configureGlobal({ seed: 20260529 });

const FLEET = [
  manifestDevice('7CTXN4A00B0001', '7CTXN4A00B0001', 0),
  manifestDevice('1581F8HGX24B00A1', '7CTXN4A00B0001', 1),
  manifestDevice('8UUXN4B00C0002', '8UUXN4B00C0002', 2),
  manifestDevice('1581F8HGX24C00B2', '8UUXN4B00C0002', 3),
];

const selected = (only: string[], exclude: string[] = []) =>
  selectDevices(FLEET, { only, exclude }).map(({ index }) => index);

test.each<[string[], string[], number[]]>([
  [[], [], [0, 1, 2, 3]],
  [['7CTXN4A00B0001'], [], [0, 1]],
  [['1581F8HGX24C00B2'], [], [3]],
  [['7CTX*'], [], [0, 1]],
  [['1581F*'], [], [1, 3]],
  [['*{A1,B2}'], [], [1, 3]],
  [['1581F8HGX24?00A1', '8UUXN*'], [], [1, 2, 3]],
  [[], ['1581F*'], [0, 2]],
  [['7CTX*'], ['1581F*'], [0]],
  [['7CTX*'], ['8UUX*'], [0, 1]],
])('--only %j --exclude %j', (only, exclude, expected) => {
  expect(selected(only, exclude)).toEqual(expected);
});

const LABELED = [
  { ...FLEET[0], labels: { site: 'north', ring: '1', 'ring_(1=first)': 'a' } },
  { ...FLEET[1], labels: { site: 'north', ring: '2' } },
  { ...FLEET[2], labels: { Site: 'EU/North West', ring: '2' } },
  { ...FLEET[3], labels: {} },
] as typeof FLEET;
const bySelect = (select: string[], more: object = {}) =>
  selectDevices(LABELED, { select, ...more }).map(({ index }) => index);

test.each<[string[], number[]]>([
  [['site=north'], [0, 1]],
  [['site=north', 'ring=2'], [1]],
  [['ring=*'], [0, 1, 2]],
  [['ring={1,2}'], [0, 1, 2]],
  [['site=EU*'], [2]],
  [['SITE=*'], [0, 1, 2]],
  [['ring (1=first)=a'], [0]],
])('--select %j', (select, expected) => {
  expect(bySelect(select)).toEqual(expected);
});

test('--select goes with the other ways of choosing', () => {
  expect(bySelect(['site=north'], { only: ['1581F*', '8UUX*'] })).toEqual([1]);
  expect(bySelect(['ring=2'], { exclude: ['1581F*'] })).toEqual([2]);
});

test.each([
  ['site', '--select "site" is not of the form label=pattern'],
  ['=north', '--select "=north" is not of the form label=pattern'],
  ['site=', '--select "site=" is not of the form label=pattern'],
  ['sites=north', '--select "sites=north": no device has a label "sites"; did you mean "site"?'],
  ['site=nrth', '--select "site=nrth" matches no device of the manifest; did you mean "north"?'],
  ['site=north,ring=2', '--select "site=north,ring=2" matches no device of the manifest'],
  ['site=\u001b[2J', '--select "site=\\u{1b}[2J" matches no device of the manifest'],
])('--select %j is a usage error', async (select, message) => {
  expect(await errorOf(() => bySelect([select]))).toMatchObject({ code: 'usage', message });
});

test('--select on a manifest without labels says so', async () => {
  const error = await errorOf(() => selectDevices(FLEET, { select: ['site=north'] }));
  expect(error).toMatchObject({
    message: '--select "site=north": no device has a label "site"',
    hint: 'The manifest has no labels.',
  });
});

test('a pattern that matches nothing is refused, with the serial number that was probably meant', async () => {
  const only = await errorOf(() => selected(['7ctxn4a00b0001']));
  expect(only.code).toBe('usage');
  expect(only.message).toBe(
    '--only "7ctxn4a00b0001" matches no device of the manifest; did you mean "7CTXN4A00B0001"?',
  );
  expect((await errorOf(() => selected([], ['1581F8HGX24B00A2']))).message).toContain(
    '--exclude "1581F8HGX24B00A2" matches no device of the manifest; did you mean "1581F8HGX24B00A1"?',
  );
  // Part of a serial number does not match.
  expect((await errorOf(() => selected(['7CTX']))).message).toBe('--only "7CTX" matches no device of the manifest');
  // A leading ! does not negate a pattern: --exclude does that.
  expect((await errorOf(() => selected(['!7CTX*']))).code).toBe('usage');
});

test.each(['', 'x'.repeat(70_000)])('a pattern that is none is a usage error', async (pattern) => {
  expect(await errorOf(() => selected([pattern]))).toMatchObject({ code: 'usage' });
});

test('nothing left is a usage error', async () => {
  expect((await errorOf(() => selected(['1581F*'], ['7CTX*', '8UUX*']))).message).toContain('select no device');
});

test('a part of a fleet is written 2/4', () => {
  expect(parseShard('2/4')).toEqual({ index: 2, of: 4 });
  expect(parseShard(' 1/1 ')).toEqual({ index: 1, of: 1 });
});

test.each(['', '2', '0/4', '5/4', '1/0', '-1/4', '1.5/4', '1/4/2', 'a/b', '1e3/2000', '1/10000000'])(
  '--shard %j is refused',
  async (text) => {
    const error = await errorOf(() => parseShard(text));
    expect(error.code).toBe('usage');
    expect(error.hint).toContain('--shard 1/4');
  },
);

const serial = fc.stringMatching(/^[A-Z0-9]{1,14}$/);
const fleet = fc
  .uniqueArray(serial, { maxLength: 60 })
  .chain((pids) =>
    fc
      .array(fc.nat({ max: 2 }), { minLength: pids.length, maxLength: pids.length })
      .map((counts) =>
        pids.flatMap((pid, at) =>
          Array.from({ length: 1 + (counts[at] ?? 0) }, (_, n) => manifestDevice(`${pid}-${n}`, pid)),
        ),
      ),
  );

test('shards part the gateways: each in exactly one, sizes that differ by at most one, order kept', () => {
  fc.assert(
    fc.property(fleet, fc.integer({ min: 1, max: 12 }), (devices, of) => {
      const shards = Array.from({ length: of }, (_, at) => shardGateways(devices, { index: at + 1, of }));
      const gateways = shards.map((shard) => new Set(shard.map(({ pid }) => pid)));
      expect(shards.flat()).toHaveLength(devices.length);
      expect(new Set(shards.flat())).toEqual(new Set(devices));
      expect(gateways.reduce((sum, set) => sum + set.size, 0)).toBe(new Set(devices.map(({ pid }) => pid)).size);
      const sizes = gateways.map((set) => set.size);
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      for (const shard of shards) expect(shard).toEqual(devices.filter((device) => shard.includes(device)));
    }),
  );
});

test('shards do not depend on the order of the manifest', () => {
  const shuffled = fleet.chain((devices) =>
    fc.tuple(fc.constant(devices), fc.shuffledSubarray(devices, { minLength: devices.length })),
  );
  fc.assert(
    fc.property(shuffled, fc.integer({ min: 1, max: 6 }), ([devices, other], of) => {
      for (let index = 1; index <= of; index++) {
        const set = (list: typeof devices) => new Set(shardGateways(list, { index, of }).map(({ sn }) => sn));
        expect(set(other)).toEqual(set(devices));
      }
    }),
  );
});

test('choosing one of a dock and its aircraft is warned of, with the first gateways by name', () => {
  expect(selectedHalves(FLEET, FLEET)).toEqual([]);
  expect(selectedHalves(FLEET, FLEET.slice(0, 2))).toEqual([]);
  expect(selectedHalves(FLEET, FLEET.slice(1, 2))).toMatchObject([
    { code: 'split_pair', message: expect.stringContaining('on 1 gateway: 7CTXN4A00B0001;') },
  ]);
  // An aircraft without its dock in the manifest is not half of a pair.
  expect(selectedHalves(FLEET.slice(1), FLEET.slice(1, 2))).toEqual([]);
  const many = Array.from({ length: 40 }, (_, at) => [
    manifestDevice(`P${at}`, `P${at}`, 0),
    manifestDevice(`A${at}`, `P${at}`, 1),
  ]);
  const [warning] = selectedHalves(
    many.flat(),
    many.map(([dock]) => dock as (typeof FLEET)[0]),
  );
  expect(warning?.message).toMatch(/on 40 gateways: P0, .*P9 and 30 more;/);
});
