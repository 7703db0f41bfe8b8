/** Collects what a report needs during a run: a pure function of its events and their times. */
import { modelName } from '../../protocol/models.js';
import { totalsOf } from '../../upgrade/counting.js';
import type { DeviceOutcome, RunEvent } from '../../upgrade/events.js';
import { outcomeOf } from '../../upgrade/tracker/jobs.js';
import type { RunView } from '../../upgrade/tracker/state.js';
import { type Kind, kindOf, reasons, splitText, stateWord } from '../device-states.js';
import {
  isoTime,
  NO_ORIGIN,
  type Outage,
  type ReportCommand,
  type ReportDevice,
  type ReportError,
  type ReportFirmware,
  type ReportRun,
  type ReportWarning,
  type Resumption,
  type RunOrigin,
  type RunReport,
} from './model.js';
import { beginPhase, lastKind, noteSilence, phasesOf } from './phases.js';
import { keyOf, kindOfProgress, newRow, type Rows, retryRow, rowOf, startRow } from './rows.js';

interface CollectorOptions {
  run: string;
  /** The version of this program. */
  version: string;
  simulated: boolean;
  verify: ReportRun['verify'];
  origin?: RunOrigin | undefined;
  /** Who resumes a run with this program. */
  by?: Omit<Resumption, 'time'> | undefined;
}

/** Collects the data of a report. */
export interface Collector {
  /** Takes all events of the run, in order. `wall`: milliseconds since 1970. */
  take(event: RunEvent, wall: number): void;
  /** Sets the live view, from which further facts of the devices are read at the end. */
  view(view: RunView): void;
  /** Sets the firmware of a device, if no event contains it. */
  firmware(sn: string, firmware: ReportFirmware): void;
  /** Adds facts about the origin of the run. */
  origin(known: Partial<RunOrigin>): void;
  /** The run was resumed at `wall`, in milliseconds since 1970. */
  resumed(wall: number, by: Omit<Resumption, 'time'> | undefined): void;
  /** The report after `run_finished`; before it, as far as known. */
  report(): RunReport;
  /** The state of the run at `wall`, in milliseconds since 1970. */
  standing(wall: number): Standing;
}

/** A run in progress: all devices, and the states of those that have not ended. */
export interface Standing {
  report: RunReport;
  states: ReadonlyMap<ReportDevice, { kind: Kind; word: string }>;
}

// Beyond these, only the number is reported.
const MOST_WARNINGS = 200;
const MOST_ERRORS = 20;
const MOST_DETAILS = 50;
const MOST_OUTAGES = 200;
const MOST_RESUMPTIONS = 100;
const LONGEST_TEXT = 1000;

/** Creates the collector of a run. */
export function createCollector(options: CollectorOptions): Collector {
  const { run } = options;
  const rows: Rows = new Map();
  const firmwares = new Map<string, ReportFirmware>();
  const splitPairs = new Set<string>();
  const warnings: ReportWarning[] = [];
  const errors: ReportError[] = [];
  const outages: Outage[] = [];
  const resumptions: Resumption[] = [];
  let omitted = 0;
  let base: number | null = null;
  let last = 0;
  let command: ReportCommand = 'push';
  let counted = { devices: 0, gateways: 0 };
  let end: Extract<RunEvent, { event: 'run_finished' }> | null = null;
  let view: RunView | null = null;
  let origin = options.origin ?? NO_ORIGIN;

  function progressed(event: Extract<RunEvent, { event: 'device_progress' }>, at: number): void {
    const row = rowOf(rows, event.pid, event.sn, event.bid);
    startRow(row, event.bid, at);
    noteSilence(row.phases, row.heard, at);
    row.heard = at;
    beginPhase(row.phases, kindOfProgress(event), at);
  }

  function published(event: Extract<RunEvent, { event: 'job_published' }>, at: number): void {
    for (const sn of event.devices) {
      const row = rowOf(rows, event.pid, sn, event.bid);
      if (row.started !== null && lastKind(row.phases) !== 'retry_wait')
        beginPhase(row.phases, 'retry_wait', row.heard);
      startRow(row, event.bid, at);
      row.attempts = Math.max(row.attempts, event.attempt);
      row.heard = at;
      beginPhase(row.phases, 'waiting', at);
    }
  }

  function finished(event: Extract<RunEvent, { event: 'device_finished' }>, at: number): void {
    const row = rowOf(rows, event.pid, event.sn, event.bid);
    if (event.bid !== null) startRow(row, event.bid, at);
    noteSilence(row.phases, row.heard, at);
    row.ended = at;
    row.outcome = event;
  }

  function retrying({ pid, sn, bid, result }: Extract<RunEvent, { event: 'device_retrying' }>, at: number): void {
    const row = rowOf(rows, pid, sn, bid);
    noteSilence(row.phases, row.heard, at);
    row.heard = at;
    beginPhase(row.phases, 'retry_wait', at);
    retryRow(row, result);
  }

  function warned(code: string, message: string, wall: number): void {
    if (warnings.length >= MOST_WARNINGS) omitted++;
    else warnings.push({ run, time: isoTime(wall), code: bounded(code), message: bounded(message) });
  }

  function takenUp(wall: number, by: Omit<Resumption, 'time'> | undefined): void {
    if (resumptions.length >= MOST_RESUMPTIONS) return;
    resumptions.push({ time: isoTime(wall), user: null, host: null, version: null, ...by });
  }

  function take(event: RunEvent, wall: number): void {
    base ??= wall;
    last = Math.max(last, wall);
    const at = wall - base;
    switch (event.event) {
      case 'run_started':
        command = event.command;
        if (command === 'resume') takenUp(wall, options.by);
        counted = { devices: event.devices, gateways: event.gateways };
        break;
      case 'firmware_ready': {
        const { file_name, file_size, md5, sha256, product } = event;
        const firmware = { file_name: bounded(file_name), file_size, md5, sha256, product };
        for (const sn of event.devices) firmwares.set(sn, firmware);
        break;
      }
      case 'job_published':
        published(event, at);
        break;
      case 'device_progress':
        progressed(event, at);
        break;
      case 'device_retrying':
        retrying(event, at);
        break;
      case 'device_finished':
        finished(event, at);
        break;
      case 'run_stopping':
        warned('run_stopping', `no more gateways were started: ${event.reason}`, wall);
        break;
      case 'broker_lost':
        if (outages.length < MOST_OUTAGES)
          outages.push({ run, from: isoTime(wall), to: null, reason: bounded(event.reason) });
        break;
      case 'broker_restored': {
        const outage = outages.at(-1);
        if (outage?.to === null) outage.to = isoTime(wall);
        break;
      }
      case 'warning':
        warned(event.code, event.message, wall);
        break;
      case 'pair_split':
        for (const { sn } of event.devices) splitPairs.add(sn);
        warned('pair_split', splitText(event), wall);
        break;
      case 'error': {
        if (errors.length >= MOST_ERRORS) break;
        const { code, message, hint } = event;
        const details = event.details.slice(0, MOST_DETAILS).map(bounded);
        errors.push({
          run,
          time: isoTime(wall),
          code,
          message: bounded(message),
          hint: hint === null ? null : bounded(hint),
          details,
        });
        break;
      }
      case 'run_finished':
        end = event;
        break;
    }
  }

  function deviceOf(outcome: DeviceOutcome, index: number, turns: Map<string, number>, until: number): ReportDevice {
    const { pid, sn, status, percent, result, verified, verify, labels } = outcome;
    const first = keyOf(pid, sn, 0);
    const turn = turns.get(first) ?? 0;
    turns.set(first, turn + 1);
    const row = rows.get(keyOf(pid, sn, turn)) ?? newRow();
    const state = view?.devices[index];
    const known = state && state.pid === pid && state.sn === sn ? state : null;
    const from = base ?? 0;
    const time = (at: number | null) => (at === null ? null : isoTime(from + at));
    return {
      run,
      pid,
      sn,
      product_version: known?.target ?? null,
      model: known?.model ? modelName(known.model) : null,
      status,
      percent,
      result,
      reason: outcome.reason === null ? null : bounded(outcome.reason),
      advice: reasons(outcome, options.simulated).advice,
      verified,
      version_before: outcome.version_before,
      version_after: outcome.version_after,
      heard_at: outcome.heard_at,
      verify,
      labels,
      pair_split: sn !== null && splitPairs.has(sn),
      attempts: row.attempts,
      retried: row.retried,
      bids: row.bids,
      firmware: (sn === null ? undefined : firmwares.get(sn)) ?? null,
      started: time(row.started),
      ended: time(row.ended),
      phases: phasesOf(row.phases, from, row.ended ?? Math.max(row.heard, until - from)),
    };
  }

  return {
    take,
    resumed: takenUp,
    view(next) {
      view = next;
    },
    origin(more) {
      origin = { ...origin, ...more };
    },
    firmware: (sn, firmware) => void firmwares.set(sn, firmware),
    report() {
      const outcomes = end?.devices ?? [...rows.values()].flatMap(({ outcome }) => outcome ?? []);
      const turns = new Map<string, number>();
      return reportOf(
        outcomes.map((outcome, index) => deviceOf(outcome, index, turns, last)),
        last,
      );
    },
    standing(wall) {
      const states = new Map<ReportDevice, { kind: Kind; word: string }>();
      const turns = new Map<string, number>();
      const devices = (view?.devices ?? []).map((state, index) => {
        const outcome = outcomeOf(state);
        if (state.phase === 'ended') return deviceOf(outcome, index, turns, wall);
        const device = { ...deviceOf(outcome, index, turns, wall), advice: null };
        states.set(device, { kind: kindOf(state), word: stateWord(state) });
        return device;
      });
      return { report: reportOf(devices, wall), states };
    },
  };

  function reportOf(devices: ReportDevice[], until: number): RunReport {
    const started = isoTime(base ?? until);
    const ended = isoTime(until);
    const exit_code = end?.exit_code ?? 0;
    const gateways = Math.max(counted.gateways, new Set(devices.map(({ pid }) => pid)).size);
    const { simulated, verify, version } = options;
    const counts = { devices: devices.length, gateways };
    const about = {
      run,
      command,
      simulated,
      verify,
      started,
      ended,
      exit_code,
      ...counts,
      ...origin,
      resumed: resumptions,
    };
    return {
      schema: 1,
      version,
      runs: [about],
      started,
      ended,
      exit_code,
      totals: totalsOf(devices),
      gateways,
      warnings: [...warnings],
      warnings_omitted: omitted,
      errors: [...errors],
      outages: outages.map((outage) => ({ ...outage })),
      devices,
    };
  }
}

function bounded(text: string): string {
  return text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT - 1)}…` : text;
}
