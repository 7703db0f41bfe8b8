/** `--dry-run`: prints the plan as a table, or the exact messages as JSON. */
import path from 'node:path';
import { profileProducts } from '../../../app/connect.js';
import type { Context, Warn } from '../../../app/context.js';
import { type FirmwareSettings, readFirmwareCa } from '../../../app/firmware.js';
import { readInventory } from '../../../app/inventory/keep.js';
import { planPush, requestsOf } from '../../../app/plan.js';
import type { PushSettings } from '../../../app/push-settings.js';
import { newRunId } from '../../../app/run/run-id.js';
import { createInventory, type Inventory } from '../../../fleet/inventory.js';
import type { Manifest } from '../../../manifest/model.js';
import type { RunHeader } from '../../../render/run-header.js';
import { useUnicode } from '../../../render/terminal/color.js';
import { terminalWidth } from '../../../render/terminal/stream.js';
import type { ConnectionFlags } from '../../../settings/connection/merge-connection.js';
import { byText, safeText } from '../../../text.js';
import { notStarted, totalsOf } from '../../../upgrade/counting.js';
import type { RunEvent } from '../../../upgrade/events.js';
import type { Io } from '../../io.js';
import { openOutput, type RunOutput } from '../../run-output.js';
import type { PushOptions } from './options.js';
import { planText, withRedactedUrls } from './plan-view.js';

/** Does everything except connecting and publishing. @returns the exit code, 0 */
export async function dryRun(
  { devices, warnings }: Pick<Manifest, 'devices' | 'warnings'>,
  options: PushOptions,
  settings: PushSettings,
  io: Io,
  source: string,
  flags: ConnectionFlags,
  note?: string,
): Promise<number> {
  const run = newRunId(io.clock.wall());
  const { report, notify: _, ...shown } = options;
  if (report) await (await import('../../../render/report/targets.js')).checkReportTargets(report);
  const output = await openOutput(shown, io, run);
  try {
    if (note) output.note(note);
    const { broker, profile, ...trust } = await planSettings(options, flags, io, output.warn);
    const firmware = { ...settings.firmware, ...trust };
    output.header({ planned: true, manifest: source === '-' ? source : path.resolve(source), broker, profile });
    const gateways = new Set(devices.map(({ pid }) => pid)).size;
    output.emit({ event: 'run_started', command: 'push', devices: devices.length, gateways });
    for (const { code, message } of warnings) output.warn(code, message);
    const inventory = await knownDevices(options, io, output.warn);
    const planned = await inOrder(devices, output, (context) =>
      planPush(devices, { ...settings, firmware }, context, inventory),
    );
    const { plan, waves, left, known } = planned;
    if (output.kind === 'json') {
      for (const { gateway, topic, request } of requestsOf(plan, output.context)) {
        const pid = plan.gateways[gateway]?.pid ?? '';
        const message = JSON.parse(request) as Record<string, unknown>;
        output.emit({ event: 'job_planned', pid, wave: waves[gateway] ?? 1, topic, message });
      }
    } else if (output.kind !== 'quiet') {
      const shown = withRedactedUrls(plan);
      const verbose = options.verbose ?? false;
      let text = planText(
        { ...planned, plan: shown },
        {
          ...{ width: terminalWidth(io.stdout), unicode: useUnicode(io.env), verbose },
          ...{ asked: false, now: io.clock.wall() },
        },
      );
      if (verbose) {
        text += '\nWhat would be published; tid, bid and timestamp are examples, and differ each time:\n';
        for (const { topic, request } of requestsOf(shown, output.context)) {
          // Written in pieces, because the messages of a fleet have megabytes, and a growing string would be copied repeatedly.
          if (text.length > 64 * 1024) {
            io.stdout.write(text);
            text = '';
          }
          text += `${topic} ${safeText(request, 100_000)}\n`;
        }
      }
      io.stdout.write(text);
    }
    // The plan is the result. A table of devices that were not started would only repeat it.
    if (output.kind !== 'json') return 0;
    const current = new Map(left.map(({ device, reason }) => [device, reason]));
    const outcomes = plan.devices.map((device, index) => {
      const reason = current.get(index);
      const end = notStarted(device, reason ?? 'dry run', known[index]);
      return reason === undefined ? end : { ...end, status: 'skipped' as const };
    });
    output.emit({ event: 'run_finished', exit_code: 0, totals: totalsOf(outcomes), devices: outcomes });
    return 0;
  } finally {
    output.close();
  }
}

/** Files are read in parallel. This reports them afterwards, in the manifest's order, so that the output is always the same. */
async function inOrder<T>(
  devices: readonly { sn: string }[],
  { context, emit }: RunOutput,
  work: (context: Context) => Promise<T>,
): Promise<T> {
  const told: RunEvent[] = [];
  try {
    const warn: Warn = (code, message) => void told.push({ event: 'warning', code, message });
    return await work({ ...context, warn, emit: (event) => void told.push(event) });
  } finally {
    const places = new Map(devices.map(({ sn }, place) => [sn, place]));
    const place = (event: RunEvent) =>
      event.event === 'firmware_ready' ? (places.get(event.devices[0] ?? '') ?? 0) : devices.length;
    const text = (event: RunEvent) => (event.event === 'warning' ? event.message : '');
    told.sort((a, b) => place(a) - place(b) || byText(text(a), text(b)));
    told.forEach(emit);
  }
}

/** The reports of earlier runs; empty for simulated docks, or if no folder is known. */
async function knownDevices(options: PushOptions, { env }: Io, warn: Warn): Promise<Inventory> {
  if (options.simulate !== undefined) return createInventory();
  try {
    return await readInventory({ env, warn });
  } catch {
    return createInventory();
  }
}

/** The same settings as in the push itself: from options and profile, unless docks are simulated, which do not download. */
async function planSettings(
  options: PushOptions,
  flags: ConnectionFlags,
  { env }: Io,
  warn: Warn,
): Promise<Pick<FirmwareSettings, 'ca' | 'products' | 'probeUrls'> & Pick<RunHeader, 'broker' | 'profile'>> {
  if (options.simulate !== undefined) {
    return { ca: await readFirmwareCa(options.ca), probeUrls: false, broker: null, profile: null };
  }
  const { loadFirmwareTrust } = await import('../../../settings/connection/load-connection.js');
  const trust = await loadFirmwareTrust(flags, { env, warn });
  const { url, profile, firmwareCa: ca } = trust;
  return { ca, products: profileProducts(trust), broker: url.shown, profile };
}
