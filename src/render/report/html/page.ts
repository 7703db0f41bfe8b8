/**
 * `.html`: one file that needs nothing else. Its policy lets no request leave the page, and allows this very style and
 * script alone, by their digests: markup that slipped in could not run. It is whole without scripts; they add filter, sort
 * and the choice of light or dark.
 */
import { createHash } from 'node:crypto';
import { exitMeaning } from '../../exit-meaning.js';
import { html, raw } from '../markup.js';
import type { RunReport } from '../model.js';
import { judged } from '../stats.js';
import { deviceTable } from './devices.js';
import { durationSection } from './durations.js';
import { SCRIPT } from './script.js';
import { failureSection, footer, noteSection, outcomeSection, runSection } from './sections.js';
import { STYLE } from './style.js';
import { timelineSection } from './timeline.js';

export function htmlReport(report: RunReport): string {
  const devices = judged(report);
  const title = `Firmware upgrade: ${exitMeaning(report.exit_code)}`;
  const sections = [
    outcomeSection(report, devices),
    failureSection(report),
    timelineSection(report, devices),
    durationSection(report),
    deviceTable(report, devices),
    runSection(report),
    noteSection(report),
  ];
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${raw(policy())}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${title} · dji-ota</title>
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
${footer(report)}
<script>${raw(SCRIPT)}</script>
</body>
</html>
`;
  return page.text;
}

function policy(): string {
  return [
    "default-src 'none'",
    `style-src '${digest(STYLE)}'`,
    `script-src '${digest(SCRIPT)}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
}

function digest(text: string): string {
  return `sha256-${createHash('sha256').update(text, 'utf8').digest('base64')}`;
}
