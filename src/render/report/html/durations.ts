/** How long the upgrades took: a histogram, and the numbers. */
import { showDuration } from '../../../text.js';
import { countedAs } from '../../../upgrade/counting.js';
import { type Html, html } from '../markup.js';
import type { RunReport } from '../model.js';
import { durationOf, type Spread, spreadOf, timeIn } from '../stats.js';
import { plural } from './kinds.js';
import { round, stepOf, tickText } from './tracks.js';

const MOST_BINS = 24;
const HEIGHT = 150;
const AXIS = 24;

/** The section with the durations; null = fewer than two are known. */
export function durationSection(report: RunReport): Html | null {
  const timed = report.devices.flatMap((device) => {
    const ms = durationOf(device);
    return ms === null ? [] : [{ device, ms, ok: countedAs(device) === 'ok' }];
  });
  if (timed.length < 2) return null;
  const rows: [string, Spread | null][] = [
    ['Well ended, from publish to end', spreadOf(timed.filter(({ ok }) => ok).map(({ ms }) => ms))],
    ['Not well ended', spreadOf(timed.filter(({ ok }) => !ok).map(({ ms }) => ms))],
    ['Download', spreadOf(timed.map(({ device }) => timeIn(device, 'download')).filter((ms) => ms > 0))],
    ['Upgrade', spreadOf(timed.map(({ device }) => timeIn(device, 'upgrade')).filter((ms) => ms > 0))],
    ['Silence', spreadOf(timed.map(({ device }) => timeIn(device, 'silence')).filter((ms) => ms > 0))],
  ];
  const body = rows
    .filter(([, spread]) => spread !== null)
    .map(([word, spread]) => html`<tr><th scope="row">${word}</th>${spread && cells(spread)}</tr>`);
  return html`<section aria-labelledby="durations"><h2 id="durations">How long it took</h2>
${histogram(timed)}
<div class="wide" role="region" aria-labelledby="durations" tabindex="0"><table class="plain"><thead><tr><th scope="col"><span class="vh">What</span></th><th scope="col" class="n">Devices</th><th scope="col" class="n">Fastest</th><th scope="col" class="n">Median</th><th scope="col" class="n">9 of 10 within</th><th scope="col" class="n">Slowest</th></tr></thead><tbody>${body}</tbody></table></div></section>`;
}

function cells({ count, least, median, ninth, most }: Spread): Html[] {
  return [String(count), ...[least, median, ninth, most].map(showDuration)].map(
    (text) => html`<td class="n">${text}</td>`,
  );
}

function histogram(timed: readonly { ms: number; ok: boolean }[]): Html {
  const longest = timed.reduce((most, { ms }) => Math.max(most, ms), 1);
  const step = stepOf(longest, MOST_BINS);
  const bins = Array.from({ length: Math.floor(longest / step) + 1 }, () => ({ ok: 0, other: 0 }));
  for (const { ms, ok } of timed) {
    const bin = bins[Math.floor(ms / step)];
    if (bin) bin[ok ? 'ok' : 'other']++;
  }
  const most = bins.reduce((top, { ok, other }) => Math.max(top, ok + other), 1);
  const width = 100 / bins.length;
  const tall = (count: number) => (count / most) * (HEIGHT - 18);
  const bars = bins.map(({ ok, other }, index) => {
    if (ok + other === 0) return null;
    const x = round(index * width + width * 0.06);
    const wide = round(width * 0.88);
    const [high, low] = [tall(ok), tall(other)];
    const said = `${showDuration(index * step)} to ${showDuration((index + 1) * step)}: ${plural(ok + other, 'device')}, ${other} not ended well`;
    const label =
      bins.length <= MOST_BINS
        ? html`<text class="count" text-anchor="middle" x="${round((index + 0.5) * width)}%" y="${round(HEIGHT - high - low - 4)}">${ok + other}</text>`
        : null;
    return html`<g><title>${said}</title><rect class="f-ok" x="${x}%" width="${wide}%" y="${round(HEIGHT - high)}" height="${round(high)}"/>${other > 0 && html`<rect class="f-failed" x="${x}%" width="${wide}%" y="${round(HEIGHT - high - low)}" height="${round(low)}"/>`}${label}</g>`;
  });
  const every = Math.max(1, Math.ceil(bins.length / 6));
  const ticks = bins.flatMap((_, index) =>
    index % every === 0
      ? [
          html`<text class="tick" x="${round(index * width)}%" y="${HEIGHT + 17}" text-anchor="${index === 0 ? 'start' : 'middle'}">${tickText(index * step)}</text>`,
        ]
      : [],
  );
  const bad = timed.filter(({ ok }) => !ok).length;
  const legend = html`<p class="legend"><span class="entry"><svg class="swatch" viewBox="0 0 24 12" aria-hidden="true"><rect class="f-ok" width="24" height="12"/></svg> ended well</span> <span class="entry"><svg class="swatch" viewBox="0 0 24 12" aria-hidden="true"><rect class="f-failed" width="24" height="12"/></svg> did not (upper part of a bar)</span></p>`;
  return html`<svg class="histogram" role="img" aria-label="Histogram of the durations of ${plural(timed.length, 'device')}; the table below has the numbers." width="100%" height="${HEIGHT + AXIS}">${bars}<line class="base" x1="0" x2="100%" y1="${HEIGHT}" y2="${HEIGHT}"/>${ticks}</svg>${bad > 0 && legend}`;
}
