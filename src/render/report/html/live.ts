/** The parts of a page that is renewed during its run: how current it is, and what blocks the run. */
import { showDuration } from '../../../text.js';
import { type Html, html } from '../markup.js';
import type { RunReport } from '../model.js';
import { timeText } from './kinds.js';

/** When a page was written, and the latest time at which it is replaced, in wall milliseconds. */
export interface Freshness {
  written: number;
  next: number;
}

/** The attributes from which the script computes, by the reader's own clock, whether the page is stale. */
export function liveAttributes({ written, next }: Freshness): Html {
  return html` data-written="${written}" data-next="${next}"`;
}

/** Reloads the page in browsers without scripts. */
export function refreshTag({ written, next }: Freshness): Html {
  return html`<noscript><meta http-equiv="refresh" content="${Math.max(2, Math.round((next - written) / 1000))}"></noscript>`;
}

/** The notes about a lost broker and the freshness of the page. */
export function liveNotes({ runs, outages }: RunReport, { written, next }: Freshness): Html {
  const lost = outages.at(-1);
  const broker =
    lost?.to === null &&
    html`<p class="badge">The broker has been lost since ${timeText(lost.from)} (${lost.reason}): the program is reconnecting, and does not see what the devices do meanwhile.</p>`;
  const run = runs[0]?.run ?? '';
  return html`<p id="fresh">The run continues. Written at ${timeText(new Date(written).toISOString())}, renewed at least every ${showDuration(next - written)}.</p>
<p id="stale" class="badge" role="alert" hidden>Stale: <span id="age"></span>. The run was killed, or this copy is no longer updated; <code>dji-ota runs ${run}</code> shows its state.</p>
${broker}`;
}
