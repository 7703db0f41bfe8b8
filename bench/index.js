#!/usr/bin/env node
/**
 * `npm run bench`: each row is a ratio to a bare counterpart (bench/bare) in the same run, in turns, the median of at least 5
 * unless the row says otherwise. `-- --only <part of a row's name>`, `-- --scale 0.1` for smaller fleets and files. Writes the
 * table in the README if all rows ran at full size, and that of docs/scale.md if `scale` did. Needs `npm run build`; mosquitto,
 * curl and md5sum for the comparisons.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startBroker } from './broker.js';
import { digestRows, downloadRow, packageRows } from './rows/firmware.js';
import { costRows, growthRow, memoryRow, receivingRows, reportRow, wholeRunRow } from './rows/fleet.js';
import { inventoryRow } from './rows/inventory.js';
import { resumeRow } from './rows/journal.js';
import { foreignRow, scaleRows } from './rows/scale.js';
import { simulatorRow } from './rows/simulator.js';
import { dryRunRow, publishRow, startRows } from './rows/start.js';

const ROWS = [
  { name: 'start', run: startRows },
  { name: 'publish', run: publishRow, needs: ['mosquitto'] },
  { name: 'dry-run', run: dryRunRow },
  { name: 'digest', run: digestRows, needs: ['md5sum'] },
  { name: 'package', run: packageRows, needs: ['md5sum'] },
  { name: 'download', run: downloadRow, needs: ['curl', 'md5sum'] },
  { name: 'receiving', run: (world) => receivingRows(world, ['json', 'log']), needs: ['mosquitto'] },
  { name: 'bars', run: (world) => receivingRows(world, ['bars']), needs: ['mosquitto', 'script'] },
  { name: 'cost', run: costRows, needs: ['mosquitto'] },
  { name: 'report', run: reportRow, needs: ['mosquitto'] },
  { name: 'whole-run', run: wholeRunRow, needs: ['mosquitto'] },
  { name: 'memory', run: memoryRow, needs: ['mosquitto'] },
  { name: 'growth', run: growthRow, needs: ['mosquitto'] },
  { name: 'resume', run: resumeRow, needs: ['mosquitto'] },
  { name: 'inventory', run: inventoryRow },
  { name: 'simulator', run: simulatorRow },
  { name: 'scale', run: scaleRows, needs: ['mosquitto'] },
  { name: 'foreign', run: foreignRow, needs: ['mosquitto'] },
];

/** Why a row misses its goal; shown next to it. */
const REASONS = JSON.parse(readFileSync(new URL('./reasons.json', import.meta.url), 'utf8'));

const { values: flags } = parseArgs({
  options: { only: { type: 'string', multiple: true }, scale: { type: 'string', default: '1' } },
});
const scale = Number(flags.scale);
const chosen = ROWS.filter(({ name }) => !flags.only || flags.only.some((part) => name.includes(part)));
if (chosen.length === 0) throw new Error(`no such row; there are ${ROWS.map(({ name }) => name).join(', ')}`);

const has = (program) => !spawnSync(program, ['--help'], { stdio: 'ignore' }).error;
const versionOf = (name) =>
  JSON.parse(readFileSync(new URL(`../node_modules/${name}/package.json`, import.meta.url), 'utf8')).version;
const own = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version;
const mosquitto =
  /version (\S+)/.exec(spawnSync('mosquitto', ['-h'], { encoding: 'utf8' }).stdout ?? '')?.[1] ?? 'none';
const machine = `${cpus()[0]?.model.trim()}, ${cpus().length} cores, ${(totalmem() / 2 ** 30).toFixed(0)} GB`;
const head = `dji-ota ${own}, Node ${process.version}, mqtt.js ${versionOf('mqtt')}, mosquitto ${mosquitto}; ${machine}; ${new Date().toISOString().slice(0, 10)}`;
console.log(head);

const folder = mkdtempSync(join(tmpdir(), 'dji-ota-bench-'));
const broker = has('mosquitto') ? await startBroker(folder) : null;
const rows = [];
try {
  for (const { name, run, needs = [] } of chosen) {
    const missing = needs.filter((program) => !has(program));
    if (missing.length > 0) {
      console.log(`${name}: skipped, there is no ${missing.join(' and no ')}`);
      continue;
    }
    for (const each of [await run({ folder, broker, scale })].flat()) {
      const reason = each.met ? '' : (REASONS[name] ?? 'not known');
      rows.push({ ...each, note: [each.note, reason].filter(Boolean).join('; ') });
      const verdict = each.goal === '' ? '' : `${each.ratio} (${each.goal}${each.met ? '' : `, missed: ${reason}`})`;
      console.log([each.what, each.ours, each.than, verdict].join('  |  '));
    }
  }
} finally {
  await broker?.stop();
  rmSync(folder, { recursive: true, force: true });
}

function writeTable(name, mark, made) {
  const file = fileURLToPath(new URL(`../${name}`, import.meta.url));
  const place = new RegExp(`(?<=<!-- ${mark} -->\\n)[\\s\\S]*(?=<!-- /${mark} -->)`);
  writeFileSync(
    file,
    readFileSync(file, 'utf8').replace(place, () => `\n${made}\n\n`),
  );
  spawnSync('npx', ['biome', 'format', '--write', file], { stdio: 'inherit' });
}

const sizes = rows.filter(({ cells }) => cells);
if (scale === 1 && sizes.length > 0) {
  const lines = sizes.map(({ cells }) => `| ${cells.join(' | ')} |`);
  const titles =
    'gateways | topics asked for | first job after | messages a second | processor time | peak memory | of mosquitto';
  writeTable(
    'docs/scale.md',
    'bench',
    [head, [`| ${titles} |`, '|---|---|---|---|---|---|---|', ...lines].join('\n')].join('\n\n'),
  );
}
if (!flags.only && scale === 1) {
  const lines = rows.flatMap(({ what, ours, than, ratio, goal, met, cells }) =>
    cells
      ? []
      : `| ${what} | ${ours} | ${than} | ${ratio} | ${goal === '' ? '' : `${goal}: ${met ? 'met' : '**missed**'}`} |`,
  );
  const table = ['| what | dji-ota | counterpart | ratio | goal |', '|---|---|---|---|---|', ...lines];
  const notes = rows.flatMap(({ what, note }) => (note === '' ? [] : [`- ${what}: ${note}.`]));
  writeTable('README.md', 'bench', [head, table.join('\n'), notes.join('\n')].join('\n\n'));
}
