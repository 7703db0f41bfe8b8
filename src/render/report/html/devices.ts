/** The list of devices, each with its own timeline. The script adds filters and sorting. */
import { showDuration } from '../../../text.js';
import { type Kind, kindWord } from '../../device-states.js';
import { releasesText } from '../../releases.js';
import { type Html, html, short } from '../markup.js';
import type { ReportDevice, RunReport } from '../model.js';
import { attemptsText, durationOf, type Judged, startsOf, timeIn, whyOf } from '../stats.js';
import { PHASE_LOOKS, plural, showCount, sign } from './kinds.js';
import { trackPaths, WIDTH } from './tracks.js';

// A browser is slow with more rows. For evaluation there are .csv and .json.
const MOST_ROWS = 5000;

const COLUMNS: readonly { title: string; sort?: 'text' | 'version' | 'number'; number?: boolean }[] = [
  { title: 'Device', sort: 'text' },
  { title: 'Gateway', sort: 'text' },
  { title: 'Version, reported', sort: 'version' },
  { title: 'Outcome', sort: 'number' },
  { title: 'Code', sort: 'number', number: true },
  { title: 'Time', sort: 'number', number: true },
  { title: 'Timeline', sort: 'number' },
  { title: 'Reason and advice' },
];

/** `devices`: those that need attention first; at most `most` are listed. */
export function deviceTable(report: RunReport, devices: readonly Judged[], most = MOST_ROWS): Html | null {
  if (devices.length === 0) return null;
  const shown = devices.slice(0, most);
  const startOf = startsOf(report);
  const names = choosable(shown);
  const span = shown.reduce((most, { device }) => {
    const last = device.phases.at(-1);
    return last ? Math.max(most, Date.parse(last.to) - startOf(device.run)) : most;
  }, 1000);
  const rows = shown.map((each, index) => row(each, index, startOf(each.device.run), span, [...names.keys()]));
  const head = COLUMNS.map(({ title, sort, number }) => {
    const order = sort && html` data-sort="${sort}"`;
    return html`<th scope="col"${order ?? null}${number === true && html` class="n"`}>${title}</th>`;
  });
  const hidden = devices.length - shown.length;
  return html`<section aria-labelledby="devices"><h2 id="devices" tabindex="-1">Devices</h2>
${filters(shown, names)}
${hidden > 0 && html`<p>The first ${showCount(shown.length)} are listed, those that somebody has to look at before the others; ${showCount(hidden)} more stand in a .csv or .json report.</p>`}
<table id="list" class="cards"><caption class="vh">Every device, with its outcome and timeline</caption><thead><tr>${head}</tr></thead><tbody>
${rows}</tbody></table>
<p id="none" hidden>No device matches the filter.</p></section>`;
}

/** A list of more values is not useful; the search field finds them. */
const MOST_VALUES = 60;
const MOST_LABELS = 8;

/** The labels that can be selected, with their values. */
function choosable(shown: readonly Judged[]): Map<string, string[]> {
  const found = new Map<string, Set<string>>();
  for (const { device } of shown) {
    for (const [name, value] of Object.entries(device.labels)) {
      const values = found.get(name);
      if (values) values.add(value);
      else found.set(name, new Set([value]));
    }
  }
  const few = [...found].filter(([, values]) => values.size <= MOST_VALUES).slice(0, MOST_LABELS);
  return new Map(few.map(([name, values]) => [name, [...values].sort(byNumber)]));
}

const byNumber = new Intl.Collator('en', { numeric: true }).compare;

function filters(shown: readonly Judged[], names: ReadonlyMap<string, readonly string[]>): Html {
  const counts = new Map<Kind, number>();
  for (const { kind } of shown) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const boxes = [...counts].map(
    ([kind, count]) =>
      html`<label class="box"><input type="checkbox" name="kind" value="${kind}" checked> ${sign(kind)} ${kindWord(kind)} (${showCount(count)})</label> `,
  );
  const choices = [...names].map(
    ([name, values], index) =>
      html`<label class="box">${short(name, 40)} <select name="label" data-l="${index}"><option value="">all</option>${values.map((value) => html`<option value="${value}">${short(value, 40)}</option>`)}</select></label> `,
  );
  return html`<form id="filters" class="js-only" role="search" aria-label="Filter the devices">
<label for="find">Find</label> <input type="search" id="find" placeholder="serial number, label, version, code, reason" autocomplete="off" spellcheck="false" aria-controls="list">
<fieldset><legend class="vh">Outcomes</legend>${boxes}</fieldset>
${choices}
<button type="reset">Show all</button>
<p id="shown" role="status">${plural(shown.length, 'device')}</p>
</form>`;
}

function row({ device, kind, word }: Judged, index: number, from: number, span: number, names: string[]): Html {
  const { sn, pid, model, product_version, percent, result, advice, labels } = device;
  const duration = durationOf(device);
  const start = device.started === null ? -1 : Date.parse(device.started) - from;
  const why = [whyOf(device), advice].filter((part) => part !== null);
  const attempts = attemptsText(device);
  // Not for a device that ended well, because it is always 100.
  const at = percent !== null && kind !== 'ok' && kind !== 'unverified' ? ` at ${percent}\u00a0%` : '';
  const chosen = names.map((name, place) => name in labels && html` data-l${place}="${labels[name] ?? ''}"`);
  const tags = Object.entries(labels).map(
    ([name, value]) => html`<span class="tag">${short(name, 40)} ${short(value, 60)}</span> `,
  );
  return html`<tr data-k="${kind}"${chosen}><th scope="row"><span class="sn">${sn === null ? '(not told)' : short(sn, 120)}</span>${model !== null && html` <small>${short(model, 40)}</small>`}${tags.length > 0 && html`<div class="tags">${tags}</div>`}</th>${[
    cell('Gateway', short(pid, 80), 'sn'),
    html`<td data-l="Version">${short(product_version ?? '', 60)} <small class="seen">${releasesText(device, from)}</small></td>`,
    html`<td data-l="Outcome" data-v="${index}"><span class="state k-${kind}">${sign(kind)} ${word}${at}</span>${attempts !== null && html` <small>${attempts}</small>`}</td>`,
    cell('Code', result ? String(result) : '', 'n'),
    html`<td class="n" data-l="Time" data-v="${duration ?? -1}">${duration === null ? '' : showDuration(duration)}</td>`,
    html`<td class="track" data-l="Timeline" data-v="${start}">${track(device, from, span)}</td>`,
    html`<td class="why" data-l="Reason">${why.length > 0 && html`<div>${why.map((part, place) => html`${place > 0 && html`<br>→ `}${short(part, 500)}`)}</div>`}</td>`,
  ]}</tr>
`;
}

/** An empty cell takes no space on a narrow screen. */
function cell(label: string, content: string, kind = ''): Html {
  const classes = [kind, content === '' ? 'empty' : ''].filter((name) => name !== '').join(' ');
  return html`<td${classes !== '' && html` class="${classes}"`} data-l="${label}">${content}</td>`;
}

function track(device: ReportDevice, from: number, span: number): Html | null {
  if (device.phases.length === 0) return null;
  const kinds = [...new Set(device.phases.map(({ kind }) => kind))];
  const phases = kinds.map((kind) => `${PHASE_LOOKS[kind].word} ${showDuration(timeIn(device, kind))}`).join(', ');
  const began = device.started === null ? '' : `began after ${showDuration(Date.parse(device.started) - from)}: `;
  const said = began + phases;
  const paths = trackPaths([{ device, y: 0, height: 12, from }], span);
  return html`<svg class="mini" viewBox="0 0 ${WIDTH} 12" preserveAspectRatio="none" role="img" aria-label="${said}"><title>${said}</title>${paths}</svg>`;
}
