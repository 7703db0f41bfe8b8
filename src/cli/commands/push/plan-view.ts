/** A plan for people: a summary, and one row per device. */
import type { PlannedRun } from '../../../app/plan.js';
import type { KnownVersion } from '../../../fleet/noted.js';
import { showUpgradeType } from '../../../protocol/upgrade-types.js';
import { type UpgradeOf, upgradeLines } from '../../../render/run-header.js';
import { renderTable } from '../../../render/table/table.js';
import { safeText, showBytes, showDuration } from '../../../text.js';
import type { Plan, PlannedDevice, PlannedFile, PlannedGateway } from '../../../upgrade/plan/plan.js';
import { redactUrl } from '../../../url.js';

/** The plan with redacted URLs, because a terminal or CI log stores what is printed. */
export function withRedactedUrls(plan: Plan): Plan {
  // A fleet has few files, and redacting a URL takes as long as everything else for a device.
  const known = new Map<PlannedFile, PlannedFile>();
  const redacted = (file: PlannedFile) => {
    let shown = known.get(file);
    if (shown === undefined) {
      shown = file.file_url === null ? file : { ...file, file_url: redactUrl(file.file_url) };
      known.set(file, shown);
    }
    return shown;
  };
  const devices = plan.devices.map((device) =>
    device.file === null ? device : { ...device, file: redacted(device.file) },
  );
  return { ...plan, devices };
}

/** `17.05.0102, 3h00m ago (inventory)`: always with its age. */
function heardText(known: KnownVersion | null, now: number): string {
  if (known === null) return '';
  const when = known.source === 'live' ? 'now' : `${showDuration(now - known.heard_at)} ago (${known.source})`;
  return `${safeText(known.version, 60)}, ${when}`;
}

// On a terminal, a longer list would move the important lines out of sight.
const MOST_ON_TERMINAL = 60;

interface PlanTextOptions {
  /** The columns of the terminal; null = not a terminal, and every device is listed. */
  width: number | null;
  unicode: boolean;
  /** List every device, however many there are. */
  verbose: boolean;
  /** Whether the docks were asked for their versions and readiness. */
  asked: boolean;
  /** Milliseconds since 1970. */
  now: number;
}

const MOST_LEFT_OUT = 10;

/** The text of a plan. */
export function planText({ plan, waves, left, known, models }: PlannedRun, options: PlanTextOptions): string {
  const { width, unicode, verbose, asked, now } = options;
  const { gateways } = plan;
  const places = gateways.flatMap(({ jobs }) => jobs.flat());
  const jobs = gateways.reduce((sum, gateway) => sum + gateway.jobs.length, 0);
  const inWaves = new Set(waves).size > 1 ? ` in ${count(new Set(waves).size, 'wave')}` : '';
  const all = width === null || verbose || places.length <= MOST_ON_TERMINAL;
  const upgrades = upgradeLines(
    places.map((place) => upgradeOf(plan.devices[place] as PlannedDevice, known[place], models[place], now)),
    unicode,
  );
  const runs = known.map((version) => heardText(version, now));
  return [
    ...(all ? [planTable(plan, waves, width, runs)] : ['Every device is listed with --verbose.']),
    `${count(places.length, 'device')} on ${count(gateways.length, 'gateway')} in ${count(jobs, 'job')}${inWaves}:`,
    ...upgrades.map((line) => `  ${line}`),
    ...left
      .slice(0, verbose ? left.length : MOST_LEFT_OUT)
      .map(({ device, reason }) => `left out: ${safeText(plan.devices[device]?.sn ?? '', 64)}: ${reason}`),
    ...(left.length > MOST_LEFT_OUT && !verbose ? [`left out: and ${left.length - MOST_LEFT_OUT} more`] : []),
    ...(asked ? [] : ['docks not asked: it is not known whether they are ready, and what they run now']),
    '',
  ].join('\n');
}

function upgradeOf(
  { file, product_version: to, firmware_upgrade_type: type }: PlannedDevice,
  known: KnownVersion | null = null,
  model: string | null = null,
  now: number,
): UpgradeOf {
  const age = known === null || known.source === 'live' ? null : Math.max(0, now - known.heard_at);
  return { model, file: file?.file_name ?? null, from: known?.version ?? null, to, type, age };
}

const count = (number: number, one: string) => `${number} ${one}${number === 1 ? '' : 's'}`;

function planTable(plan: Plan, waves: readonly number[], width: number | null, runs: readonly string[]): string {
  const known = runs.some((text) => text !== '');
  const many = new Set(waves).size > 1;
  const columns = [
    ...(many ? [{ title: 'WAVE', align: 'right' as const }] : []),
    { title: 'GATEWAY' },
    { title: 'DEVICE' },
    { title: 'TYPE', foldAt: 3 },
    { title: 'VERSION' },
    ...(known ? [{ title: 'LAST HEARD', foldAt: 6 }] : []),
    { title: 'SIZE', align: 'right' as const, foldAt: 2 },
    { title: 'MD5', foldAt: 4 },
    { title: 'FILE', foldAt: 1 },
    { title: 'URL', foldAt: 5 },
  ];
  return renderTable(
    columns,
    { [Symbol.iterator]: () => planRows(plan, many ? waves : null, known ? runs : null) },
    width,
  );
}

/** One row per device. `waves` null: there is only one. */
function* planRows(
  { gateways, devices }: Plan,
  waves: readonly number[] | null,
  runs: readonly string[] | null,
): Generator<string[]> {
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
            : [pid, sn, type, product_version, size, file.md5, file.file_name, file.file_url ?? file.why];
        if (runs) row.splice(4, 0, runs[place] ?? '');
        if (waves) row.unshift(String(waves[index] ?? 1));
        yield row;
      }
    }
  }
}
