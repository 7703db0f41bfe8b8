/** The plan that `--confirm` shows. */
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import type { PlannedRun } from '../../../src/app/plan.js';
import type { PushSettings } from '../../../src/app/push-settings.js';
import { confirmPlan } from '../../../src/cli/commands/push/confirm.js';
import type { PushOptions } from '../../../src/cli/commands/push/options.js';
import type { Io } from '../../../src/cli/io.js';
import type { RunOutput } from '../../../src/cli/run-output.js';
import { makePlan } from '../../../src/upgrade/plan/plan.js';
import { device } from '../../helpers/upgrade-run.js';

const NOW = Date.UTC(2026, 0, 4);
const ALL = makePlan([device('D1', 'D1'), device('A1', 'D1')]);

/** Answers with `answer`. Returns null if nothing was asked. */
async function ask(planned: Partial<PlannedRun>, settings: Partial<PushSettings>, answer: string) {
  const [stdin, stderr] = [new PassThrough(), new PassThrough()];
  let shown = '';
  stderr.on('data', (chunk) => {
    shown += String(chunk);
    if (shown.includes('[y/N]')) stdin.write(`${answer}\n`);
  });
  const io = { stdin, stderr, env: {}, clock: { wall: () => NOW }, signal: new AbortController().signal };
  const output = { pause() {}, warned: () => false };
  const run: PlannedRun = { plan: ALL, waves: [1], left: [], known: [null, null], models: ['3-3-0', null], ...planned };
  const yes = await confirmPlan(
    run,
    { confirm: true } as PushOptions,
    settings as PushSettings,
    io as unknown as Io,
    output as unknown as RunOutput,
  );
  return { yes, shown };
}

test('says that no dock was asked, unless one was', async () => {
  const { yes, shown } = await ask({}, {}, 'y');
  expect(yes).toBe(true);
  expect(shown).toContain('docks not asked');
  expect(shown).toContain('Upgrade 2 devices?');
  for (const settings of [
    { skipCurrent: true },
    { preflight: 'warn' as const },
    { skipUnready: true },
    { waitReady: 5 },
  ]) {
    expect((await ask({}, settings, 'n')).shown).not.toContain('docks not asked');
  }
});

test('asks for what is not left out alone, with what the devices run and how old that is', async () => {
  const { yes, shown } = await ask(
    {
      plan: { ...ALL, gateways: [{ pid: 'D1', jobs: [[1]] }] },
      left: [{ device: 0, reason: 'already at version 2.0' }],
      known: [null, { version: '1.0', heard_at: NOW - 72 * 3_600_000, source: 'manifest' }],
    },
    { skipCurrent: true },
    'n',
  );
  expect(yes).toBe(false);
  expect(shown).toContain('Upgrade 1 device?');
  expect(shown).toContain('left out: D1: already at version 2.0');
  expect(shown).toContain('1.0, 72h00m ago (manifest)');
});

test('asks nothing where everything is left out', async () => {
  const left = [0, 1].map((index) => ({ device: index, reason: 'current' }));
  expect(await ask({ plan: { ...ALL, gateways: [] }, left }, { skipCurrent: true }, 'n')).toEqual({
    yes: true,
    shown: '',
  });
});
