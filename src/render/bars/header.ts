/** The lines above the devices: what the run is doing, and the state of the whole fleet. */
import { showDuration } from '../../text.js';
import { KINDS, type Kind, kindWord, styleOf, symbolOf } from '../device-states.js';
import type { Styles } from '../terminal/styles.js';
import { cut, widthOf } from '../terminal/width.js';
import type { DrawBar, Line } from './screen.js';

/** What the header shows. */
export interface HeaderState {
  /** `Upgrading 12 devices on 6 gateways` */
  title: string;
  /** The same for narrow terminals. */
  shortTitle: string;
  wave: { current: number; of: number } | null;
  /** Milliseconds since the drawing began. */
  elapsed: number;
  /** Milliseconds until all devices have ended; null = not known. */
  left: number | null;
  /** What blocks the whole run; null = nothing. */
  trouble: string | null;
  /** The run's id, and whether it is simulated; null = it is not recorded. */
  run: string | null;
  /** Another activity, such as connecting; null = none. */
  phase: string | null;
  counts: Readonly<Record<Kind, number>>;
  progress: number;
}

interface Part {
  text: string;
  style: (text: string) => string;
}

/** The first line, at most `width` columns. Parts that do not fit are omitted from the end. */
export function titleLine(state: HeaderState, width: number, styles: Styles): Line {
  const parts: Part[] = [];
  if (state.trouble) parts.push({ text: state.trouble, style: styles.bad });
  if (state.wave) parts.push({ text: `wave ${state.wave.current} of ${state.wave.of}`, style: styles.busy });
  if (state.phase) parts.push({ text: state.phase, style: styles.plain });
  if (state.run !== null) parts.push({ text: state.run, style: styles.dim });
  parts.push({ text: showDuration(state.elapsed), style: styles.dim });
  if (state.left !== null) parts.push({ text: `about ${showDuration(state.left)} left`, style: styles.dim });
  const needed = parts.reduce((sum, part) => sum + widthOf(part.text) + 2, widthOf(state.title));
  const title = needed <= width ? state.title : state.shortTitle;
  const text = fitParts([{ text: title, style: styles.strong }, ...parts], width, '  ');
  return { percent: null, text: () => text };
}

/** The total bar, the percentage, and a count for each kind of state, in words or, if it is narrow, as symbols. */
export function totalsLine(
  state: HeaderState,
  width: number,
  styles: Styles,
  unicode: boolean,
  drawBar: DrawBar,
): Line {
  const kinds = order(state.counts);
  const percent = `${Math.floor(state.progress * 100)} %`.padStart(5);
  const all = KINDS.reduce((sum, kind) => sum + state.counts[kind], 0);
  const failed = (state.counts.failed + state.counts.unverified + state.counts.unknown) / Math.max(1, all);
  const part = (kind: Kind, text: string): Part => ({ text, style: styles[styleOf(kind)] });
  const long = kinds.map((kind) => part(kind, `${symbolOf(kind, unicode)} ${state.counts[kind]} ${kindWord(kind)}`));
  const short = kinds.map((kind) => part(kind, `${symbolOf(kind, unicode)}${state.counts[kind]}`));
  const lengthOf = (parts: readonly Part[], gap: number) =>
    parts.reduce((sum, { text }) => sum + widthOf(text) + gap, 0);

  const words = 6 + lengthOf(long, 2) + 10 <= width;
  const parts = words ? long : short;
  const gap = words ? 2 : 1;
  const room = width - 6 - lengthOf(parts, gap);
  const bar = room >= 6 ? Math.min(40, room) : 0;
  return {
    percent: state.progress * 100,
    text: (progress) => {
      const start = bar > 0 ? `${drawBar(progress, bar, styles.good, failed)} ` : '';
      const left = width - (bar > 0 ? bar + 1 : 0);
      return start + fitParts([{ text: percent, style: styles.strong }, ...parts], left, ' '.repeat(gap));
    },
  };
}

/** The kinds with a count, those that ended well first, as usual for totals. */
function order(counts: Readonly<Record<Kind, number>>): Kind[] {
  const all: Kind[] = [
    'ok',
    'running',
    'verifying',
    'paused',
    'retrying',
    'waiting',
    'failed',
    'unverified',
    'unknown',
  ];
  for (const kind of KINDS) if (!all.includes(kind)) all.push(kind);
  return all.filter((kind) => counts[kind] > 0);
}

function fitParts(parts: readonly Part[], width: number, gap: string): string {
  let text = '';
  let used = 0;
  for (const [index, part] of parts.entries()) {
    const before = index === 0 ? '' : gap;
    const needed = before.length + widthOf(part.text);
    if (used + needed > width) {
      if (index === 0) return part.style(cut(part.text, width));
      break;
    }
    text += before + part.style(part.text);
    used += needed;
  }
  return text;
}
