/** What a page has that is renewed while its run goes on: how fresh it is, and what holds the run. */
import { showDuration } from '../../../text.js';
import { type Html, html } from '../markup.js';
import type { RunReport } from '../model.js';
import { timeText } from './kinds.js';

/** When a page was written, and when it is replaced at the latest; wall milliseconds. */
export interface Freshness {
  written: number;
  next: number;
}

/** The script counts on from these: by the reader's own clock it says when the page is stale. */
export function liveAttributes({ written, next }: Freshness): Html {
  return html` data-written="${written}" data-next="${next}"`;
}

/** Without scripts the page is read again by itself, too. */
export function refreshTag({ written, next }: Freshness): Html {
  return html`<noscript><meta http-equiv="refresh" content="${Math.max(2, Math.round((next - written) / 1000))}"></noscript>`;
}

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
