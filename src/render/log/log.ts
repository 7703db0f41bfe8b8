/** Log lines on stderr if there is no terminal: CI jobs, files, pipes. */
import { safeText, showBytes } from '../../text.js';
import type { DeviceOutcome, RunEvent } from '../../upgrade/events.js';
import type { RunView } from '../../upgrade/tracker/state.js';
import { needsLook } from '../device-states.js';
import { errorLines } from '../error-lines.js';
import type { DrawingOptions, Renderer } from '../renderer.js';
import { upgradeLines, upgradesIn } from '../run-header.js';
import { summaryText } from '../summary.js';
import { closingTable } from '../table/closing-table.js';
import { writeCommand } from '../terminal/ci-guard.js';
import type { CiCommand } from '../terminal/stream.js';
import { pad } from '../terminal/width.js';
import {
  annotation,
  type CiSystem,
  causeAnnotations,
  errorAnnotation,
  groupEnd,
  groupStart,
  MOST_ANNOTATIONS,
} from './ci-annotations.js';
import { DEFAULT_STEP, progressGate } from './gate.js';
import { type LogLine, logLine, progressText } from './lines.js';

interface LogOptions extends DrawingOptions {
  ci: CiSystem;
  /** `--progress` in percent. Without it {@link DEFAULT_STEP}, and for a large fleet only changes. */
  progress?: number | undefined;
}

/** With more devices than this, a line per percent step would be a flood; a summary is printed at intervals instead. */
const MANY_DEVICES = 50;

const SUMMARY_MS = 30_000;

const BLOCK = 64 * 1024;

// The most annotations for warnings, so that those at the end have space.
const MOST_WARNINGS = 4;

/** Creates the renderer for log lines. */
export function logRenderer(options: LogOptions): Renderer {
  const { stderr, clock, styles, ci } = options;
  const { progress } = options;
  const isMany = () => progress === undefined && (view?.devices.length ?? 0) > MANY_DEVICES;
  const gate = progressGate(progress ?? DEFAULT_STEP, isMany);
  const readingGate = new Map<string, number>();
  let view: RunView | null = null;
  const table = closingTable(options);
  let resumed = false;
  let grouped = false;
  let closed = false;
  let pidWidth = 8;
  let snWidth = 8;
  let cancelSummary: (() => void) | null = null;
  const bad: DeviceOutcome[] = [];
  let annotated = 0;
  // Progress of a whole job comes as one event per device, and is printed as one line.
  let held: { key: string; at: number; pid: string; sns: string[]; text: string } | null = null;

  // A fleet has thousands of lines at once, and each write to a pipe is a system call.
  let block = '';
  let scheduled = false;
  const flush = () => {
    scheduled = false;
    const text = block;
    block = '';
    if (text !== '') stderr.write(text);
  };
  const write = (text: string) => {
    release();
    block += text;
    if (block.length >= BLOCK) return flush();
    if (scheduled) return;
    scheduled = true;
    setImmediate(flush);
  };
  const command = (of: CiCommand | null) => {
    release();
    flush();
    if (of) writeCommand(stderr, of);
  };
  const line = (text: string, at = clock.wall()) => write(`${styles.dim(timeOfDay(at))}  ${text}\n`);

  const deviceLine = ({ pid, sns, text }: LogLine, at = clock.wall()) => {
    if (pid === null) return line(text, at);
    // A serial number that is wider than earlier ones moves the column. The fields can still be found with grep.
    const gateway = safeText(pid, 64);
    const device = sns.length === 0 ? '-' : sns.map((sn) => safeText(sn, 64)).join(' + ');
    pidWidth = Math.max(pidWidth, gateway.length);
    // Lines of whole jobs do not widen the column of single devices.
    if (sns.length === 1) snWidth = Math.max(snWidth, device.length);
    line(`${pad(gateway, pidWidth)}  ${pad(device, snWidth)}  ${text}`, at);
  };

  const release = () => {
    if (!held) return;
    const { at, ...said } = held;
    held = null;
    deviceLine(said, at);
  };
  const progressLine = (event: Extract<RunEvent, { event: 'device_progress' }>) => {
    const text = progressText(event);
    const key = `${event.bid} ${text}`;
    if (held?.key !== key || event.sn === null || held.sns.includes(event.sn)) {
      release();
      held = { key, at: clock.wall(), pid: event.pid, sns: [], text };
      // The events of a job follow each other without interruption.
      queueMicrotask(release);
    }
    if (event.sn !== null) held.sns.push(event.sn);
  };

  const openGroup = () => {
    if (grouped || ci === null) return;
    grouped = true;
    command(groupStart(ci, 'Progress', Math.floor(clock.wall() / 1000)));
  };
  const closeGroup = () => {
    if (!grouped) return;
    grouped = false;
    command(groupEnd(ci, Math.floor(clock.wall() / 1000)));
  };

  const summarize = () => {
    cancelSummary = clock.after(SUMMARY_MS, summarize);
    if (view && view.devices.length > MANY_DEVICES) line(summaryText(view));
  };

  const end = (event: Extract<RunEvent, { event: 'run_finished' }>) => {
    cancelSummary?.();
    closeGroup();
    annotateDevices(event.devices);
    release();
    flush();
    table.write(event, view);
  };

  // After the section has ended, because annotations in a folded section are not visible.
  const annotateDevices = (devices: readonly DeviceOutcome[]) => {
    if (ci === 'github')
      for (const each of causeAnnotations(devices, MOST_ANNOTATIONS - annotated, options.simulated)) command(each);
    bad.length = 0;
  };

  /** Returns whether it was annotated. Some annotations are reserved for the end. */
  const annotate = (most: number, of: CiCommand): boolean => {
    if (ci !== 'github' || annotated >= most) return false;
    annotated++;
    command(of);
    return true;
  };

  return {
    event(event) {
      if (closed) return;
      if (event.event === 'run_started') resumed = event.command === 'resume';
      if (event.event === 'device_progress' && !gate(event)) return;
      if (event.event === 'device_finished' && needsLook(event)) bad.push(event);
      table.event(event);
      if (event.event === 'job_published' || event.event === 'device_progress') openGroup();
      if (event.event === 'run_finished') return end(event);
      if (event.event === 'error') {
        closeGroup();
        annotate(MOST_ANNOTATIONS - 1, errorAnnotation(event));
        return write(`${errorLines(event, styles)}\n`);
      }
      if (event.event === 'warning' && annotate(MOST_WARNINGS, annotation('warning', event.code, event.message)))
        return;
      if (event.event === 'device_progress') return progressLine(event);
      const said = logLine(event, styles, options.simulated);
      if (said) deviceLine(said);
    },
    phase(text) {
      if (text !== null && !closed) line(safeText(text, 500));
    },
    reading(files) {
      if (closed) return;
      for (const file of files) {
        const quarter = file.total ? Math.floor((file.read / file.total) * 4) : 0;
        const last = readingGate.get(file.file_name) ?? -1;
        // Small files are ready at once, and `firmware_ready` is sufficient.
        if (file.done || quarter <= last || (last >= 0 && file.elapsed < 5000)) continue;
        readingGate.set(file.file_name, quarter);
        const of = file.total === null ? '' : ` of ${showBytes(file.total)}`;
        const name = safeText(file.file_name, 120);
        line(last < 0 ? `reading ${name}${of}` : `reading ${name}: ${showBytes(file.read)}${of}`);
      }
    },
    view(next) {
      if (view === null) for (const each of upgradeLines(upgradesIn(next, clock.wall()), options.unicode)) line(each);
      // The event that began this wave was emitted by the earlier process.
      if (view === null && resumed && next.wave) line(`wave ${next.wave.current} of ${next.wave.of}`);
      view = next;
      for (const device of next.devices) {
        pidWidth = Math.max(pidWidth, Math.min(64, device.pid.length));
        snWidth = Math.max(snWidth, Math.min(64, device.sn?.length ?? 0));
      }
      cancelSummary ??= clock.after(SUMMARY_MS, summarize);
    },
    note: (text) => line(text),
    close() {
      if (closed) return;
      release();
      closed = true;
      cancelSummary?.();
      closeGroup();
      // Not empty only if the run was interrupted before its end.
      annotateDevices(bad);
      flush();
    },
  };
}

// Local time, like other logs of the machine or the job. JSON lines use UTC.
function timeOfDay(ms: number): string {
  const date = new Date(ms);
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':');
}
