/** Small projects that use the package as its users do: in TypeScript, as an ES module, and from CommonJS. */

const firmware = 'Dock3_17.07.04.01_pro.zip';

/** The code of each program, after `dji-ota` has been imported. */
const body = `
const devices = [{ sn: 'DOCK1', product_version: '17.07.04.01', pid: 'DOCK1', file: process.argv[2] ?? '', file_url: 'http://firmware.example.com/${firmware}' }];
const about = await inspect(process.argv[2] ?? '');
if (about.file_size <= 0) throw new Error('the package has no size');
const simulator = await createSimulator({ docks: devices, speed: 50 });
try {
  const run = push({ manifest: devices, broker: { url: simulator.url }, firmware: { probeUrls: false }, allow: ['version-mismatch', 'bad-package'] });
  const seen = [];
  for await (const event of run) seen.push(event.event);
  const { exit_code, totals } = await run.result;
  console.log(JSON.stringify({ exit_code, ok: totals.ok, first: seen[0], last: seen.at(-1) }));
} finally {
  await simulator.close();
}
`;

export const CONSUMER = {
  'package.json': JSON.stringify({ name: 'consumer', private: true, type: 'module' }),
  'tsconfig.json': JSON.stringify({
    compilerOptions: {
      target: 'es2023',
      module: 'nodenext',
      moduleResolution: 'nodenext',
      strict: true,
      // Also check the package's own declarations.
      skipLibCheck: false,
      noEmit: true,
      types: ['node'],
    },
    files: ['typed.ts'],
  }),
  'typed.ts': `import { createSimulator, inspect, OtaError, push, watch, type PushRequest, type Run, type RunResult, type StampedEvent } from 'dji-ota';

const request: PushRequest = { manifest: 'manifest.json', broker: { url: 'mqtt://localhost' }, verify: 'require' };
const run: Run = push(request);
for await (const event of run) {
  const some: StampedEvent = event;
  if (some.event === 'device_progress') console.log(some.percent?.toFixed(0), some.step_key);
}
const result: RunResult = await run.result;
const at: string | undefined = run.snapshot()?.devices[0]?.ended_at ?? undefined;
if (at) console.log(Date.parse(at));
const code: number = result.exit_code;
// @ts-expect-error: a run has no such event
if (code > 0) for await (const { event } of watch({ pids: 'A', broker: { url: 'mqtt://localhost' } })) if (event === 'nonsense') break;
// @ts-expect-error: a push needs a broker
push({ manifest: 'manifest.json' });
const simulator = await createSimulator();
await simulator.close();
try {
  await inspect('a.zip');
} catch (error) {
  if (error instanceof OtaError) console.log(error.code, error.hint, error.exitCode);
}
`,
  'module.mjs': `import { createSimulator, inspect, push } from 'dji-ota';\n${body}`,
  'common.cjs': `import('dji-ota').then(async ({ createSimulator, inspect, push }) => {${body}}).catch((error) => {
  console.error(error);
  process.exitCode = 1;
});\n`,
};

/** The output of `module.mjs` and `common.cjs`. */
export const EXPECTED = { exit_code: 0, ok: 1, first: 'run_started', last: 'run_finished' };
