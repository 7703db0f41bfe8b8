/**
 * `.html`: one self-contained file. Its policy forbids all requests, and allows only this style and script, by their digests,
 * so that injected markup cannot run. The page is complete without scripts; they add filters, sorting, and the choice of light
 * or dark. During its run the page reloads itself.
 */
import { createHash } from 'node:crypto';
import { endMeaning } from '../../exit-meaning.js';
import type { Standing } from '../gather.js';
import { type Html, html, raw } from '../markup.js';
import type { RunReport } from '../model.js';
import { judged } from '../stats.js';
import { deviceTable } from './devices.js';
import { durationSection } from './durations.js';
import { type Freshness, liveAttributes, refreshTag } from './live.js';
import { SCRIPT } from './script.js';
import { failureSection, footer, noteSection, outcomeSection, runSection } from './sections.js';
import { STYLE } from './style.js';
import { timelineSection } from './timeline.js';

/** The report as an HTML page. */
export function htmlReport(report: RunReport): string {
  const devices = judged(report);
  return page(`Firmware upgrade: ${endMeaning(report)}`, footer(report), [
    outcomeSection(report, devices),
    failureSection(report.devices),
    timelineSection(report, devices),
    durationSection(report),
    deviceTable(report, devices),
    runSection(report),
    noteSection(report),
  ]);
}

// The limit for a page that is written every few seconds. Devices that need attention come first.
const MOST_LIVE_ROWS = 1000;

/**
 * The page of a run in progress. `freshness` is called last, because the time of the next page depends on the cost of this one.
 */
export function liveHtmlReport({ report, states }: Standing, freshness: () => Freshness): string {
  const devices = judged(report, states);
  const few = devices.length <= MOST_LIVE_ROWS;
  const ended = report.devices.filter((device) => !states.has(device));
  const sections = [
    failureSection(ended),
    deviceTable(report, devices, MOST_LIVE_ROWS),
    few && timelineSection(report, devices),
    runSection(report),
    noteSection(report),
  ];
  const foot = footer(report);
  const fresh = freshness();
  const title = `Running: ${ended.length} of ${devices.length} ended`;
  return page(title, foot, [outcomeSection(report, devices, fresh), ...sections], fresh);
}

function page(title: string, foot: Html, sections: (Html | null | false)[], fresh?: Freshness): string {
  return html`<!doctype html>
<html lang="en"${fresh && liveAttributes(fresh)}>
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${raw(policy(fresh !== undefined))}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
${fresh && refreshTag(fresh)}<title>${title} · dji-ota</title>
<style>${raw(STYLE)}</style>
</head>
<body>
<a class="skip" href="#devices">Skip to the devices</a>
<main>
${sections.map(
  (section) =>
    section &&
    html`${section}
`,
)}
</main>
${foot}
<script>${raw(SCRIPT)}</script>
</body>
</html>
`.text;
}

const DIGESTS = { style: digest(STYLE), script: digest(SCRIPT) };

/** The policy of the page. `live`: the page may ask its own server before it reloads. */
function policy(live: boolean): string {
  return [
    "default-src 'none'",
    `style-src '${DIGESTS.style}'`,
    `script-src '${DIGESTS.script}'`,
    ...(live ? ["connect-src 'self'"] : []),
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
}

function digest(text: string): string {
  return `sha256-${createHash('sha256').update(text, 'utf8').digest('base64')}`;
}
