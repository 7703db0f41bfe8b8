/** Reports of recorded runs: what the collector makes of events and a view. */
import { createCollector } from '../../src/render/report/gather.js';
import type { ReportRun, RunOrigin, RunReport } from '../../src/render/report/model.js';
import type { RunEvent } from '../../src/upgrade/events.js';
import { RECORDED_DEVICES, RECORDED_RUN } from '../render/recorded-run.js';
import { createReplay, type PlannedDevice, type Recorded } from '../render/replay.js';

export const RUN_ID = '20261124-081530-9f3ac2';
export const RUN_BEGAN = Date.UTC(2026, 10, 24, 8, 15, 30);

const ORIGIN: RunOrigin = {
  manifest: '/srv/ota/fleet.csv',
  manifest_sha256: 'c222d1a9f99fecddc023dd4d48ac3e8288c332dd462fb4c0dc5607bcba4e0f03',
  broker: 'mqtts://mqtt.example.com:8883',
  user: 'ota',
  host: 'ops-1',
  version: '1.2.3',
};

export interface ReportOptions {
  run?: string;
  began?: number;
  exitCode?: number;
  verify?: ReportRun['verify'];
  simulated?: boolean;
  /** Further events before the end. */
  more?: RunEvent[];
  /** How many times slower than recorded. */
  slower?: number;
}

export function reportOf(
  devices: readonly PlannedDevice[],
  events: readonly Recorded[],
  {
    run = RUN_ID,
    began = RUN_BEGAN,
    exitCode = 1,
    verify = 'report',
    simulated = false,
    more = [],
    slower = 1,
  }: ReportOptions = {},
): RunReport {
  const replay = createReplay(devices, verify);
  const collector = createCollector({ run, version: '1.2.3', simulated, verify, origin: ORIGIN });
  collector.view(replay.view);
  let last = 0;
  for (const { at, event } of events) {
    last = at * slower;
    const asked = event.event === 'device_finished' ? { ...event, verify } : event;
    replay.apply(asked, last);
    collector.take(asked, began + last);
  }
  for (const event of more) collector.take(event, began + last);
  collector.take(replay.finished(exitCode), began + last + 100);
  return collector.report();
}

/** The recorded run with every kind of end. */
export function recordedReport(options: ReportOptions = {}): RunReport {
  return reportOf(RECORDED_DEVICES, RECORDED_RUN, options);
}
