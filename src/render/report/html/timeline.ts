/** The whole fleet over time: one row per device, grouped by how it ended. */
import { byText, showDuration } from '../../../text.js';
import { type Kind, kindWord, symbolOf } from '../../device-states.js';
import { type Html, html, short } from '../markup.js';
import { PHASE_KINDS, type PhaseKind, type ReportDevice, type RunReport } from '../model.js';
import { durationOf, type Judged, startsOf } from '../stats.js';
import { PHASE_LOOKS, plural } from './kinds.js';
import { round, scale, stepOf, type Track, tickText, trackPaths, WIDTH } from './tracks.js';

// The rows of large groups share this many pixels; those of small groups are tall enough for a name.
const TALL_GROUP = 40;
const NAMED_ROW = 30;
const GROUP_PIXELS = 900;
const HEADING = 26;
// In a large group, a device is named at intervals, for orientation.
const MARK_PIXELS = 75;
const AXIS = 26;
// Up to this many rows have a tooltip, which makes the page larger.
const MOST_TITLES = 2000;

/** The section with the timeline; null = no device was upgraded. */
export function timelineSection(report: RunReport, devices: readonly Judged[]): Html | null {
  const drawn = devices.filter(({ device }) => device.phases.length > 0);
  if (drawn.length === 0) return null;
  // Runs of different days are shown on top of each other: each one begins at the left edge.
  const startOf = startsOf(report);
  // A loop, because a function call cannot take a hundred thousand arguments.
  const span = drawn.reduce(
    (most, { device }) => Math.max(most, Date.parse(device.phases.at(-1)?.to ?? '') - startOf(device.run)),
    1000,
  );
  const { tracks, texts, titles, height } = layout(drawn, startOf);
  const outages = report.runs.length === 1 ? outagesOf(report, span, height) : [];
  const used = new Set(drawn.flatMap(({ device }) => device.phases.map(({ kind }) => kind)));
  const label = `Timeline of ${plural(drawn.length, 'device')} over ${showDuration(span)}; the list of devices below says the same in words.`;
  return html`<section aria-labelledby="timeline"><h2 id="timeline">Timeline</h2>
<p class="legend">${legend(used, outages.length > 0)}</p>
<svg class="timeline" role="img" aria-label="${label}" height="${round(height + AXIS)}" width="100%">
${axisOf(span, height)}${outages}<svg viewBox="0 0 ${WIDTH} ${round(height)}" preserveAspectRatio="none" width="100%" height="${round(height)}">${trackPaths(tracks, span)}${titles}</svg>
${texts}
</svg></section>`;
}

function layout(drawn: readonly Judged[], startOf: (run: string) => number) {
  const tracks: Track[] = [];
  const texts: Html[] = [];
  const titles: Html[] = [];
  let y = 0;
  for (const [kind, members] of groupsOf(drawn)) {
    const named = members.length <= TALL_GROUP;
    const order = named ? '' : ' · in the order of their start, the quickest first';
    const count = plural(members.length, 'device');
    texts.push(
      html`<text class="group" x="0" y="${round(y + 17)}">${symbolOf(kind, true)} ${kindWord(kind)} · ${count}${order}</text>`,
    );
    y += HEADING;
    const pitch = named ? NAMED_ROW : Math.max(0.4, Math.min(12, GROUP_PIXELS / members.length));
    const gap = named ? 4 : pitch > 3 ? 1 : 0;
    if (!named) bySteps(members);
    let marked = Number.NEGATIVE_INFINITY;
    for (const { device, word } of members) {
      const top = named ? y + 14 : y;
      tracks.push({
        device,
        y: top,
        height: (named ? NAMED_ROW - 14 : pitch) - gap,
        flat: pitch < 4,
        from: startOf(device.run),
      });
      const code = device.result ? `, code ${device.result}` : '';
      const said = `${nameOf(device)}: ${word}${code}${durationText(durationOf(device))}`;
      if (named) texts.push(html`<text class="name" x="0" y="${round(y + 11)}">${short(said, 120)}</text>`);
      else if (y - marked >= MARK_PIXELS) {
        marked = y;
        texts.push(html`<text class="mark" x="2" y="${round(y + 10)}">${short(device.sn ?? device.pid, 40)}</text>`);
      }
      if (drawn.length <= MOST_TITLES) {
        titles.push(
          html`<rect class="hit" y="${round(y)}" width="${WIDTH}" height="${round(pitch)}"><title>${short(said, 200)}</title></rect>`,
        );
      }
      y += pitch;
    }
    y += 6;
  }
  return { tracks, texts, titles, height: y };
}

function durationText(ms: number | null): string {
  return ms === null ? '' : `, ${showDuration(ms)}`;
}

/** The devices of each kind, in the order in which they began, so that waves show as steps. */
function groupsOf(drawn: readonly Judged[]): Map<Kind, Judged[]> {
  const groups = new Map<Kind, Judged[]>();
  for (const each of drawn) {
    const group = groups.get(each.kind);
    if (group) group.push(each);
    else groups.set(each.kind, [each]);
  }
  for (const group of groups.values()) group.sort((a, b) => byText(a.device.started ?? '', b.device.started ?? ''));
  return groups;
}

/**
 * Sorts devices that began at about the same time, the quickest first, because hundreds of thin rows form a readable shape only
 * if neighbours are similar.
 */
function bySteps(members: Judged[]): void {
  const starts = members.map(({ device }) => Date.parse(device.started ?? '')).filter((at) => !Number.isNaN(at));
  const first = starts.reduce((least, at) => Math.min(least, at), Number.POSITIVE_INFINITY);
  const last = starts.reduce((most, at) => Math.max(most, at), first);
  const step = Math.max(1, (last - first) / 12);
  const key = ({ device }: Judged) => Math.floor((Date.parse(device.started ?? '') - first) / step) || 0;
  members.sort((a, b) => key(a) - key(b) || (durationOf(a.device) ?? 0) - (durationOf(b.device) ?? 0));
}

function axisOf(span: number, height: number): Html[] {
  const step = stepOf(span, 6);
  const parts: Html[] = [];
  for (let ms = 0; ms <= span; ms += step) {
    const x = `${round(scale(ms, span) / 10)}%`;
    const anchor = ms === 0 ? 'start' : ms > span * 0.95 ? 'end' : 'middle';
    parts.push(
      html`<line class="grid" x1="${x}" x2="${x}" y1="0" y2="${round(height)}"/><text class="tick" x="${x}" y="${round(height + 17)}" text-anchor="${anchor}">${tickText(ms)}</text>`,
    );
  }
  return parts;
}

function outagesOf({ outages, started, ended }: RunReport, span: number, height: number): Html[] {
  return outages.map(({ from, to }) => {
    const x = scale(Date.parse(from) - Date.parse(started), span) / 10;
    const end = scale(Date.parse(to ?? ended) - Date.parse(started), span) / 10;
    return html`<rect class="outage" x="${round(x)}%" width="${round(Math.max(0.3, end - x))}%" y="0" height="${round(height)}"/>`;
  });
}

function legend(used: ReadonlySet<PhaseKind>, outage: boolean): Html[] {
  const entry = (swatch: Html, word: string) =>
    html`<span class="entry"><svg class="swatch" viewBox="0 0 24 12" aria-hidden="true">${swatch}</svg> ${word}</span> `;
  const entries = PHASE_KINDS.filter((kind) => used.has(kind)).map((kind) => {
    const tall = 12 * PHASE_LOOKS[kind].height;
    const swatch = html`<rect class="p-${kind}" y="${round((12 - tall) / 2)}" width="24" height="${round(tall)}"/>`;
    return entry(swatch, PHASE_LOOKS[kind].word);
  });
  if (outage) entries.push(entry(html`<rect class="outage" width="24" height="12"/>`, 'broker lost'));
  return entries;
}

/** A dock is its own gateway. */
function nameOf({ sn, pid }: ReportDevice): string {
  return sn === pid ? pid : `${sn ?? 'device'} on ${pid}`;
}
