import { parse } from 'csv-parse/sync';
import { expect, test } from 'vitest';
import { driftTotals, inventoryRows } from '../../src/app/inventory/inventory-rows.js';
import { inventoryCsv, inventoryTable } from '../../src/cli/commands/inventory/view.js';
import type { ManifestDevice } from '../../src/manifest/model.js';
import { PLAIN_STYLES } from '../../src/render/terminal/styles.js';
import { inventoryOf } from '../helpers/inventory.js';

const NOW = Date.UTC(2026, 10, 27, 12);
const MINUTE = 60_000;
const inventory = inventoryOf(
  {
    ...{ sn: '7CTXN4A00B0001', pid: '7CTXN4A00B0001', kind: 'dock', model: '3-3-0', firmware_version: '17.07.0401' },
    ...{ version_at: NOW - 40 * 24 * 60 * MINUTE, version_by: 'push', compatible_status: 0, compatible_at: NOW },
    ...{ heard_at: NOW - 5_000, heard_by: 'devices' },
  },
  {
    ...{ sn: '1581F8HGX24B00A1', pid: '7CTXN4A00B0001', kind: 'aircraft', model: '0-100-1' },
    ...{ firmware_version: '17.06.0100\u001b[31m', version_at: NOW - 3 * MINUTE, version_by: 'watch' },
    ...{ compatible_status: 1, compatible_at: NOW, heard_at: NOW + 1, heard_by: 'watch' },
  },
  { sn: '7CTXN4A00B0002', pid: '7CTXN4A00B0002', kind: 'dock', heard_at: NOW - 26 * 60 * MINUTE, heard_by: null },
);
const manifest = ['7CTXN4A00B0001', '1581F8HGX24B00A1', '7CTXN4A00B0002', '7CTXN4A00B0003'].map(
  (sn, index): ManifestDevice => ({
    ...{ index, sn, pid: index === 1 ? '7CTXN4A00B0001' : sn, product_version: '17.07.04.01' },
    ...{ firmware_upgrade_type: index === 3 ? 4 : 3, file_url: null, file: null, md5: null, sha256: null },
    ...{ file_size: null, file_name: null, labels: { site: index < 2 ? 'north' : '=cmd()', ring: `${index}` } },
    known: null,
  }),
);

test('tables', () => {
  const plain = inventoryRows(inventory, null, { pids: [] }, NOW);
  const drift = inventoryRows(inventory, manifest, { pids: [] }, NOW);
  const totals = driftTotals(drift);
  for (const width of [null, 120, 80, 40]) {
    expect(inventoryTable(plain, null, NOW, width, PLAIN_STYLES)).toMatchSnapshot(`all, ${width ?? 'piped'}`);
    expect(inventoryTable(drift, totals, NOW, width, PLAIN_STYLES)).toMatchSnapshot(`drift, ${width ?? 'piped'}`);
  }
});

test('CSV has the keys of the JSON, and no formula', () => {
  const rows = inventoryRows(inventory, manifest, { pids: [] }, NOW);
  const text = inventoryCsv(rows);
  expect(text).toMatchSnapshot();
  const read = parse(text, { columns: true }) as Record<string, string>[];
  expect(read).toHaveLength(4);
  const keys = Object.keys(rows[0] ?? {}).filter((key) => key !== 'labels');
  expect(Object.keys(read[0] ?? {}).sort()).toEqual([...keys, 'labels.site', 'labels.ring'].sort());
  expect(read[2]).toMatchObject({ 'labels.site': "'=cmd()", state: 'unknown', firmware_version: '' });
});
