/** Measures the time from the start to the first effect. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { pidOf } from '../fleet.js';
import { BIN, bare, byTurns, milliseconds, row, timed } from '../measure.js';

export async function startRows() {
  const node = () => timed(process.execPath, ['-e', '0']);
  const own =
    (args, code = 0) =>
    () =>
      timed(process.execPath, [BIN, ...args], { code });
  const [base, version, help, usage] = await byTurns(21, [node, own(['--version']), own(['--help']), own(['pusk'], 2)]);
  return Object.entries({ '`--version`': version, '`--help`': help, 'a usage error': usage }).map(([what, time]) =>
    row({
      what,
      ours: milliseconds(time),
      than: `\`node -e 0\`: ${milliseconds(base)}`,
      ratio: time / base,
      goal: ['most', 1.2],
    }),
  );
}

export async function publishRow({ folder, broker }) {
  const pid = pidOf(1);
  const file = join(folder, 'firmware.zip');
  writeFileSync(file, Buffer.alloc(1_000_000, 7));
  const manifest = join(folder, 'one.json');
  const file_url = 'http://127.0.0.1/firmware.zip';
  writeFileSync(manifest, JSON.stringify([{ sn: pid, pid, product_version: '17.07.04.01', file, file_url }]));
  const env = { ...process.env, DJI_OTA_HOME: join(folder, 'home') };
  // After this run the digest is cached.
  await timed(process.execPath, [BIN, 'push', manifest, '--dry-run', '--output', 'quiet'], { env });
  const observer = await mqtt.connectAsync(broker.url);
  await observer.subscribeAsync('thing/product/+/services', { qos: 1 });
  const until = async (program, args) => {
    const come = once(observer, 'message');
    const begun = performance.now();
    const child = spawn(process.execPath, [program, ...args], { env, stdio: 'ignore' });
    const ended = once(child, 'exit');
    await come;
    const time = performance.now() - begun;
    child.kill('SIGKILL');
    await ended;
    return time;
  };
  const [theirs, ours] = await byTurns(11, [
    () => until(bare('publish.js'), [broker.url, manifest]),
    () => until(BIN, ['push', manifest, '--broker', broker.url, '--output', 'json']),
  ]);
  await observer.endAsync();
  return row({
    what: 'start to `ota_create` at the broker, 1 device, digest cached',
    ours: milliseconds(ours),
    than: `bare mqtt.js: ${milliseconds(theirs)}`,
    ratio: ours / theirs,
    goal: ['most', 1.1],
  });
}

export async function dryRunRow({ folder }) {
  const file = join(folder, 'dry.zip');
  writeFileSync(file, Buffer.alloc(1_000_000, 7));
  const file_url = 'https://firmware.example.com/dock3/Dock3_17.07.04.01_pro.zip';
  const devices = Array.from({ length: 10_000 }, (_, index) => ({
    sn: pidOf(index),
    pid: pidOf(index >> 1),
    product_version: '17.07.04.01',
    file,
    file_url,
    firmware_upgrade_type: 3,
  }));
  const manifest = join(folder, 'dry.json');
  writeFileSync(manifest, JSON.stringify(devices, null, 2));
  const env = { ...process.env, DJI_OTA_HOME: join(folder, 'home') };
  const [theirs, ours, quiet] = await byTurns(9, [
    () => timed(process.execPath, [bare('parse.js'), manifest]),
    () => timed(process.execPath, [BIN, 'push', manifest, '--dry-run'], { env }),
    () => timed(process.execPath, [BIN, 'push', manifest, '--dry-run', '--output', 'quiet'], { env }),
  ]);
  const than = `\`JSON.parse\` of it: ${milliseconds(theirs)}`;
  const what = '`push --dry-run` of a 10,000-device manifest';
  const goal = ['most', 2];
  return [
    row({ what: `${what}, the plan printed`, ours: milliseconds(ours), than, ratio: ours / theirs, goal }),
    row({ what: `${what}, \`--output quiet\``, ours: milliseconds(quiet), than, ratio: quiet / theirs, goal }),
  ];
}
