/** `--dry-run` and `--confirm`: the plan, for people as a table and for scripts as the exact messages. */
import { randomUUID } from 'node:crypto';
import { systemClock } from '../../../clock.js';
import { OtaError } from '../../../errors.js';
import { parseServeAddress, serveBase } from '../../../firmware/serve/address.js';
import type { ManifestDevice } from '../../../manifest/model.js';
import { otaCreate } from '../../../protocol/messages.js';
import { topicOf } from '../../../protocol/topics.js';
import { showUpgradeType } from '../../../protocol/upgrade-types.js';
import { terminalWidth } from '../../../render/stream.js';
import { renderTable } from '../../../render/table/table.js';
import { safeText, showBytes } from '../../../text.js';
import { emptyTotals } from '../../../upgrade/events.js';
import {
  makePlan,
  type Plan,
  type PlannedDevice,
  type PlannedFile,
  type PlannedGateway,
} from '../../../upgrade/plan.js';
import { redactUrl } from '../../../url.js';
import { prepareDevices, readFirmwareCa } from '../../firmware-step.js';
import { type Io, isInteractive } from '../../io.js';
import { newRunId } from '../../run-id.js';
import { openOutput, type RunOutput } from '../../run-output.js';
import type { PushOptions } from './options.js';
import type { PushSettings } from './settings.js';

/** Everything but connecting and publishing. @returns the exit code, 0 */
export async function dryRun(
  devices: readonly ManifestDevice[],
  flags: PushOptions,
  settings: PushSettings,
  io: Io,
): Promise<number> {
  const run = newRunId(systemClock.wall());
  const output = await openOutput(flags, io, run);
  try {
    const gateways = new Set(devices.map(({ pid }) => pid)).size;
    output.emit({ event: 'run_started', command: 'push', devices: devices.length, gateways });
    // Nothing is asked of the servers that only the docks have to reach.
    const way = { simulated: true, firmwareCa: await readFirmwareCa(flags, output.warn) };
    const read = await prepareDevices(devices, flags, settings.timeout, way, io, output, io.signal);
    const planned = flags.serve === undefined ? read : withServedUrls(read, devices, flags.serve, flags.serveUrl);
    const plan = makePlan(planned);
    const waves = wavesOf(plan, settings);
    if (output.kind === 'json') {
      for (const { gateway, topic, request } of requestsOf(plan)) {
        const pid = plan.gateways[gateway]?.pid ?? '';
        const message = JSON.parse(request) as Record<string, unknown>;
        output.emit({ event: 'job_planned', pid, wave: waves[gateway] ?? 1, topic, message });
      }
    } else if (output.kind !== 'quiet') {
      const shown = withRedactedUrls(plan);
      let text = `${planText(shown, waves, terminalWidth(io.stdout))}\n`;
      for (const { topic, request } of requestsOf(shown)) {
        // In pieces: the messages of a fleet have megabytes, which would be copied again and again as they grow.
        if (text.length > 64 * 1024) {
          io.stdout.write(text);
          text = '';
        }
        text += `${topic} ${safeText(request, 100_000)}\n`;
      }
      io.stdout.write(text);
    }
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

interface PlannedRequest {
  /** Its place in the plan. */
  gateway: number;
  topic: string;
  request: string;
}

function* requestsOf({ gateways, devices }: Plan): Generator<PlannedRequest> {
  for (let gateway = 0; gateway < gateways.length; gateway++) {
    const { pid, jobs } = gateways[gateway] as PlannedGateway;
    const topic = topicOf('services', pid);
    for (const job of jobs) {
      const ids = { bid: randomUUID(), tid: randomUUID(), timestamp: systemClock.wall() };
      const request = otaCreate(
        ids,
        job.map((device) => devices[device] as PlannedDevice),
      );
      yield { gateway, topic, request };
    }
  }
}

/** For people, whose terminal or CI log keeps what it shows: URLs without what may be secret in them. */
function withRedactedUrls(plan: Plan): Plan {
  // A fleet has few files, and reading a URL takes as long as all else of a device.
  const known = new Map<PlannedFile, PlannedFile>();
  const redacted = (file: PlannedFile) => {
    let shown = known.get(file);
    if (shown === undefined) {
      shown = { ...file, file_url: file.file_url === '' ? '' : redactUrl(file.file_url) };
      known.set(file, shown);
    }
    return shown;
  };
  const devices = plan.devices.map((device) =>
    device.file === null ? device : { ...device, file: redacted(device.file) },
  );
  return { ...plan, devices };
}

/** With `--serve`, the secret part of each URL is made when the run begins. */
function withServedUrls(
  planned: readonly PlannedDevice[],
  devices: readonly ManifestDevice[],
  serve: string,
  serveUrl: string | undefined,
): PlannedDevice[] {
  const base = serveBase(parseServeAddress(serve), serveUrl);
  return planned.map((device, index) => {
    if (!device.file || devices[index]?.file === null) return device;
    const file_url = `${base}/made-at-run-time/${encodeURIComponent(device.file.file_name)}`;
    return { ...device, file: { ...device.file, file_url } };
  });
}

/** Shows the plan and asks. */
export async function confirmPlan(plan: Plan, settings: PushSettings, io: Io, output: RunOutput): Promise<boolean> {
  output.renderer.phase(null);
  io.stderr.write(planText(withRedactedUrls(plan), wavesOf(plan, settings), terminalWidth(io.stderr)));
  const { confirm } = await import('../../prompt.js');
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
  const jobs = plan.gateways.reduce((sum, gateway) => sum + gateway.jobs.length, 0);
  const count = (n: number, one: string) => `${n} ${one}${n === 1 ? '' : 's'}`;
  return `${renderTable(columns, { [Symbol.iterator]: () => planRows(plan, many ? waves : null) }, width)}\n${count(plan.devices.length, 'device')} on ${count(plan.gateways.length, 'gateway')} in ${count(jobs, 'job')}\n`;
}

/** A row a device; `waves` null: there is but one. */
function* planRows({ gateways, devices }: Plan, waves: readonly number[] | null): Generator<string[]> {
  const types = { 2: showUpgradeType(2), 3: showUpgradeType(3), 4: showUpgradeType(4) };
  let sized: PlannedFile | null = null;
  let size = '';
  for (let index = 0; index < gateways.length; index++) {
    const { pid, jobs } = gateways[index] as PlannedGateway;
    for (const job of jobs) {
      for (const place of job) {
        const { sn, product_version, firmware_upgrade_type, file } = devices[place] as PlannedDevice;
        const type = types[firmware_upgrade_type];
        if (file !== null && file !== sized) {
          sized = file;
          size = showBytes(file.file_size);
        }
        const row =
          file === null
            ? [pid, sn, type, product_version, 'no file', '', '', '']
            : [pid, sn, type, product_version, size, file.md5, file.file_name, file.file_url];
        if (waves) row.unshift(String(waves[index] ?? 1));
        yield row;
      }
    }
  }
}
