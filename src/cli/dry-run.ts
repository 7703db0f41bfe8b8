/** `--dry-run` and `--confirm`: the plan, for people as a table and for scripts as the exact messages. */
import { randomUUID } from 'node:crypto';
import { systemClock } from '../clock.js';
import { OtaError } from '../errors.js';
import type { ManifestDevice } from '../manifest/model.js';
import { topicOf } from '../protocol/topics.js';
import { showUpgradeType } from '../protocol/upgrade-types.js';
import { terminalWidth } from '../render/stream.js';
import { renderTable } from '../render/table.js';
import { safeText, showBytes } from '../text.js';
import { emptyTotals } from '../upgrade/events.js';
import { jobRequest, makePlan, type Plan } from '../upgrade/plan.js';
import { redactUrl } from '../url.js';
import { prepareDevices } from './firmware-step.js';
import { type Io, isInteractive } from './io.js';
import type { PushFlags, PushSettings } from './push-flags.js';
import { newRunId } from './run-id.js';
import { openOutput, type RunOutput } from './run-output.js';

/** Everything but connecting and publishing. @returns the exit code, 0 */
export async function dryRun(
  devices: readonly ManifestDevice[],
  flags: PushFlags,
  settings: PushSettings,
  io: Io,
): Promise<number> {
  const run = newRunId(systemClock.wall());
  const output = await openOutput(flags, io, run);
  try {
    const gateways = new Set(devices.map(({ pid }) => pid)).size;
    output.emit({ event: 'run_started', command: 'push', devices: devices.length, gateways });
    const planned = await prepareDevices(devices, flags, settings.timeout, true, io, output, io.signal);
    const plan = makePlan(planned);
    const waves = wavesOf(plan, settings);
    if (output.kind === 'json') {
      plan.gateways.forEach(({ pid, jobs }, index) => {
        for (const job of jobs) {
          const ids = { bid: randomUUID(), tid: randomUUID(), timestamp: systemClock.wall() };
          const request = jobRequest(
            ids,
            job.flatMap((device) => plan.devices[device] ?? []),
          );
          const message = JSON.parse(request) as Record<string, unknown>;
          output.emit({ event: 'job_planned', pid, wave: waves[index] ?? 1, topic: topicOf('services', pid), message });
        }
      });
    } else if (output.kind !== 'quiet') io.stdout.write(planText(plan, waves, terminalWidth(io.stdout)));
    // The plan was the result; a table of devices that were not started would only repeat it.
    if (output.kind !== 'json') return 0;
    output.emit({
      event: 'run_finished',
      exit_code: 0,
      totals: { ...emptyTotals(), not_started: planned.length },
      devices: planned.map(({ pid, sn }) => ({
        pid,
        sn,
        status: 'not_started',
        percent: null,
        result: null,
        reason: 'dry run',
        verified: null,
      })),
    });
    return 0;
  } finally {
    output.close();
  }
}

/** Shows the plan and asks. */
export async function confirmPlan(plan: Plan, settings: PushSettings, io: Io, output: RunOutput): Promise<boolean> {
  output.renderer.phase(null);
  io.stderr.write(planText(plan, wavesOf(plan, settings), terminalWidth(io.stderr)));
  const { confirm } = await import('./prompt.js');
  const devices = plan.devices.length === 1 ? '1 device' : `${plan.devices.length} devices`;
  const question = `Upgrade ${devices}? This cannot be canceled once a dock has accepted it.`;
  return confirm(question, { input: io.stdin, output: io.stderr, signal: io.signal });
}

/** @throws OtaError `usage` where nobody can be asked. */
export function checkConfirm(source: string, io: Io): void {
  if (isInteractive(io) && source !== '-') return;
  const why = source === '-' ? 'the manifest comes on standard input' : 'this is no terminal';
  throw new OtaError('usage', `--confirm cannot ask: ${why}`, {
    hint: 'Look at the plan with --dry-run first, and leave --confirm out.',
  });
}

/** The wave of each gateway, from 1. */
function wavesOf(plan: Plan, settings: PushSettings): number[] {
  const { waves } = settings.core(plan).rollout;
  return plan.gateways.map((_, index) => {
    const wave = waves.findIndex((end) => index < end);
    return wave < 0 ? 1 : wave + 1;
  });
}

function planText(plan: Plan, waves: readonly number[], width: number | null): string {
  const many = new Set(waves).size > 1;
  const columns = [
    ...(many ? [{ title: 'WAVE', align: 'right' as const }] : []),
    { title: 'GATEWAY' },
    { title: 'DEVICE' },
    { title: 'TYPE', foldAt: 3 },
    { title: 'VERSION' },
    { title: 'SIZE', align: 'right' as const, foldAt: 2 },
    { title: 'MD5', foldAt: 4 },
    { title: 'FILE', foldAt: 1 },
    { title: 'URL', foldAt: 5 },
  ];
  const rows: string[][] = [];
  plan.gateways.forEach(({ pid, jobs }, index) => {
    for (const device of jobs.flat()) {
      const planned = plan.devices[device];
      if (!planned) continue;
      const { sn, product_version, firmware_upgrade_type, file } = planned;
      rows.push([
        ...(many ? [String(waves[index] ?? 1)] : []),
        pid,
        sn,
        showUpgradeType(firmware_upgrade_type),
        product_version,
        file ? showBytes(file.file_size) : 'no file',
        file?.md5 ?? '',
        safeText(file?.file_name ?? ''),
        file?.file_url ? redactUrl(file.file_url) : '',
      ]);
    }
  });
  const jobs = plan.gateways.reduce((sum, gateway) => sum + gateway.jobs.length, 0);
  const count = (n: number, one: string) => `${n} ${one}${n === 1 ? '' : 's'}`;
  return `${renderTable(columns, rows, width)}\n${count(plan.devices.length, 'device')} on ${count(plan.gateways.length, 'gateway')} in ${count(jobs, 'job')}\n`;
}
