/** Shows the plan and asks for confirmation: with `--confirm`, or at a terminal for several gateways or after a warning. */
import type { PlannedRun } from '../../../app/plan.js';
import type { PushSettings } from '../../../app/push-settings.js';
import { OtaError } from '../../../errors.js';
import { useUnicode } from '../../../render/terminal/color.js';
import { terminalWidth } from '../../../render/terminal/stream.js';
import { isLook } from '../../../upgrade/preflight/preflight.js';
import { type Io, isInteractive } from '../../io.js';
import type { RunOutput } from '../../run-output.js';
import type { PushOptions } from './options.js';
import { planText, withRedactedUrls } from './plan-view.js';

/**
 * Asks for confirmation, unless that was not requested and the plan has a single gateway and no warning. @returns whether to
 * continue
 */
export async function confirmPlan(
  planned: PlannedRun,
  options: PushOptions,
  settings: PushSettings,
  io: Io,
  output: RunOutput,
): Promise<boolean> {
  const { plan } = planned;
  const count = plan.gateways.reduce((sum, { jobs }) => sum + jobs.flat().length, 0);
  // Every device is skipped, so there is nothing to confirm.
  if (count === 0 || (!options.confirm && plan.gateways.length <= 1 && !output.warned())) return true;
  output.pause();
  const { preflight = 'off', skipCurrent = false, skipUnready = false, waitReady } = settings;
  const asked = isLook({ preflight, skipCurrent, skipUnready, waitReady: waitReady !== undefined });
  const shown = { width: terminalWidth(io.stderr), unicode: useUnicode(io.env), verbose: false, asked };
  io.stderr.write(planText({ ...planned, plan: withRedactedUrls(plan) }, { ...shown, now: io.clock.wall() }));
  const { confirm } = await import('../../prompt.js');
  const devices = count === 1 ? '1 device' : `${count} devices`;
  const question = `Upgrade ${devices}? This cannot be canceled once a dock has accepted it.`;
  return confirm(question, { input: io.stdin, output: io.stderr, signal: io.signal });
}

/** @throws OtaError `usage` if there is no terminal to ask at */
export function checkConfirm(source: string, { yes }: PushOptions, io: Io): void {
  if (yes) {
    const hint = 'Give one of them.';
    throw new OtaError('usage', '--confirm and --yes exclude each other', { hint });
  }
  if (isInteractive(io) && source !== '-') return;
  const why = source === '-' ? 'the manifest is read from standard input' : 'standard input is not a terminal';
  throw new OtaError('usage', `--confirm cannot ask: ${why}`, {
    hint: 'Check the plan with --dry-run first, and omit --confirm.',
  });
}
