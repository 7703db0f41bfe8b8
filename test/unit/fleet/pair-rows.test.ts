/** The effect of dock and aircraft on each other in the list of devices. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { DeviceRow } from '../../../src/fleet/rows.js';
import { withPartners } from '../../../src/fleet/rows.js';

type Some = Pick<DeviceRow, 'sn' | 'pid' | 'ready' | 'action'>;

const row = (sn: string, ready: boolean | null, action: DeviceRow['action']): DeviceRow =>
  ({ sn, pid: 'D1', ready, action, warnings: [] }) as unknown as DeviceRow;
const of = (dock: Omit<Some, 'sn' | 'pid'>, aircraft: Omit<Some, 'sn' | 'pid'>) =>
  withPartners([row('D1', dock.ready, dock.action), row('A1', aircraft.ready, aircraft.action)]);

test('a dock whose aircraft is not ready is not upgraded, and says why', () => {
  const [dock, aircraft] = of({ ready: true, action: 'upgrade' }, { ready: false, action: 'not_ready' });
  expect(dock).toMatchObject({
    ready: true,
    action: 'not_ready',
    warnings: [
      { code: 'pair_not_ready', message: 'aircraft A1 is not ready, and dock and aircraft are upgraded together' },
    ],
  });
  expect(aircraft).toMatchObject({ action: 'not_ready', warnings: [] });
});

test('a dock of whose aircraft not enough is known may be upgraded or not', () => {
  const [dock] = of({ ready: true, action: 'upgrade' }, { ready: null, action: 'unknown' });
  expect(dock).toMatchObject({ action: 'unknown', warnings: [{ code: 'pair_not_ready' }] });
});

test('an aircraft that has nothing to do holds nobody back, and one that is in no manifest neither', () => {
  expect(of({ ready: true, action: 'upgrade' }, { ready: false, action: 'current' })[0]?.action).toBe('upgrade');
  expect(of({ ready: true, action: 'upgrade' }, { ready: false, action: null })[0]?.action).toBe('upgrade');
});

test('one half is never upgraded if the other half is not ready', () => {
  const ready = fc.constantFrom(true, false, null);
  const half = ready.chain((is) =>
    fc.record({
      ready: fc.constant(is),
      action: fc.constantFrom<DeviceRow['action']>(
        ...(is === true ? (['upgrade', 'current', 'unknown'] as const) : (['current'] as const)),
        ...(is === false ? (['not_ready'] as const) : is === null ? (['unknown'] as const) : []),
      ),
    }),
  );
  fc.assert(
    fc.property(half, half, (dock, aircraft) => {
      const rows = of(dock, aircraft);
      const starts = rows.filter(({ action }) => action === 'upgrade');
      for (const one of starts) {
        const other = rows.find(({ sn }) => sn !== one.sn);
        expect(other?.ready === true || other?.action === 'current').toBe(true);
      }
      // Devices that are not ready themselves, or have nothing to do, are unchanged.
      expect(rows.map(({ action }) => action).filter((action) => action === 'current')).toHaveLength(
        [dock, aircraft].filter(({ action }) => action === 'current').length,
      );
    }),
  );
});
