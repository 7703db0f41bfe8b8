/** The sections of the page with text and numbers. */
import { showBytes, showDuration } from '../../../text.js';
import { causesOf } from '../../causes.js';
import { countedWord, KINDS, type Kind, kindWord } from '../../device-states.js';
import { endMeaning } from '../../exit-meaning.js';
import { type Html, html, short } from '../markup.js';
import type { ReportRun, RunReport } from '../model.js';
import { firmwareFiles, type Judged } from '../stats.js';
import { plural, showCount, sign, timeText } from './kinds.js';
import { type Freshness, liveNotes } from './live.js';

const MOST_NAMED = 200;

/** The head of the page: how the run ended, as a sentence, in numbers, and as one bar. */
export function outcomeSection(report: RunReport, devices: readonly Judged[], fresh?: Freshness): Html {
  const { exit_code, runs, started, ended } = report;
  const kind: Kind = fresh
    ? 'running'
    : exit_code === 0
      ? 'ok'
      : exit_code === 5 || exit_code === 7
        ? 'unknown'
        : 'failed';
  const counts = countsOf(devices);
  const tiles = counts.map(
    ([each, count]) =>
      html`<li class="tile k-${each}"><b>${showCount(count)}</b><span>${sign(each)} ${kindWord(each)}</span></li>`,
  );
  const [only] = runs;
  const which =
    runs.length === 1 && only ? html`${only.command} run <code>${only.run}</code>` : html`${runs.length} runs`;
  const took = showDuration(Date.parse(ended) - Date.parse(started));
  const simulated = html`<p class="badge">Simulated: no real device was upgraded.</p>`;
  return html`<header class="head k-${kind}">
<div class="line"><p class="product">dji-ota · firmware upgrade</p><button type="button" id="theme" class="js-only" aria-pressed="false">Dark</button></div>
<h1>${sign(kind)} ${fresh ? progressSentence(devices) : sentence(report, devices)}</h1>
${fresh && liveNotes(report, fresh)}
<p>${which} · ${plural(devices.length, 'device')} on ${plural(report.gateways, 'gateway')} · ${timeText(started)} · ${fresh ? html`for ${took} now` : html`took ${took} · exit code ${exit_code} (${endMeaning(report)})`}</p>
${only && originLine(only)}
${runs.some((run) => run.simulated) && simulated}
${counts.length === 0 ? !fresh && html`<p>No device was upgraded.</p>` : html`<ul class="tiles">${tiles}</ul>${bar(counts, devices.length)}`}
</header>`;
}

function progressSentence(devices: readonly Judged[]): string {
  if (devices.length === 0) return 'The run begins';
  const open = devices.filter(({ kind }) => !ENDED.has(kind)).length;
  return `${showCount(devices.length - open)} of ${plural(devices.length, 'device')} ended`;
}

const ENDED: ReadonlySet<Kind> = new Set(['ok', 'failed', 'unverified', 'unknown', 'skipped', 'not_started']);

function originLine({ manifest, broker }: ReportRun): Html | null {
  const parts = [
    ...(manifest === null ? [] : [html`manifest <code>${manifestName(manifest)}</code>`]),
    ...(broker === null ? [] : [html`broker <code>${broker}</code>`]),
  ];
  if (parts.length === 0) return null;
  return html`<p>${parts.map((part, index) => html`${index > 0 && ' · '}${part}`)}</p>`;
}

function manifestName(manifest: string): string {
  return manifest === '-' ? 'standard input' : short(manifest, 300);
}

function sentence({ exit_code }: RunReport, devices: readonly Judged[]): string {
  const idle = devices.every(({ kind }) => kind === 'skipped');
  const good = devices.filter(({ kind }) => kind === 'ok' || kind === 'skipped').length;
  if (devices.length === 0) return exit_code === 0 ? 'Nothing to do' : 'The run did not reach its devices';
  if (idle && exit_code === 0) return 'Nothing to do: no device was upgraded';
  if (good === devices.length && exit_code === 0)
    return devices.length === 1 ? 'The device ended well' : `All ${showCount(good)} devices ended well`;
  return `${showCount(good)} of ${plural(devices.length, 'device')} ended well`;
}

function countsOf(devices: readonly Judged[]): [Kind, number][] {
  const counts = new Map<Kind, number>();
  for (const { kind } of devices) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return KINDS.flatMap((kind) => (counts.has(kind) ? [[kind, counts.get(kind) ?? 0] as [Kind, number]] : []));
}

function bar(counts: readonly [Kind, number][], total: number): Html {
  let x = 0;
  const parts = counts.map(([kind, count]) => {
    const width = (count / total) * 100;
    const part = html`<rect class="f-${kind}" x="${x.toFixed(3)}%" width="${width.toFixed(3)}%" height="100%"/>`;
    x += width;
    return part;
  });
  const said = counts.map(([kind, count]) => `${count} ${kindWord(kind)}`).join(', ');
  return html`<svg class="share" role="img" aria-label="${said}">${parts}</svg>`;
}

/** The section with the failures by cause. `devices`: those that have ended. */
export function failureSection(devices: RunReport['devices']): Html | null {
  const causes = causesOf(devices);
  if (causes.length === 0) return null;
  const rows = causes.map(({ code, counted, meaning, advice, devices }) => {
    const names = devices.slice(0, MOST_NAMED).map(({ sn, pid }) => html`<code>${short(sn ?? pid, 80)}</code> `);
    const more = devices.length > MOST_NAMED && `and ${showCount(devices.length - MOST_NAMED)} more`;
    const list = html`${names}${more}`;
    const which =
      devices.length <= 3
        ? list
        : html`<details><summary>${plural(devices.length, 'device')}</summary>${list}</details>`;
    const only =
      code !== null &&
      html`<button type="button" class="js-only only" data-code="${code}">Show in the list<span class="vh"> of devices: code ${code}</span></button>`;
    return html`<tr><th scope="row">${countedWord(counted)}</th><td class="n" data-l="Code">${code}</td><td class="n" data-l="Devices">${showCount(devices.length)}</td><td data-l="Meaning">${meaning}</td><td data-l="What to do">${advice ?? '—'}</td><td data-l="Which"><div>${which}${only}</div></td></tr>
`;
  });
  return html`<section aria-labelledby="failures"><h2 id="failures">What went wrong, and what to do</h2>
<table class="plain cards"><thead><tr><th scope="col">Ended</th><th scope="col" class="n">Code</th><th scope="col" class="n">Devices</th><th scope="col">Meaning</th><th scope="col">What to do</th><th scope="col">Which</th></tr></thead><tbody>${rows}</tbody></table></section>`;
}

/** The section with the runs of the report. */
export function runSection({ runs, devices }: RunReport): Html {
  const rows = runs.map(
    ({ run, command, started, ended, exit_code, devices: count, gateways, verify, simulated }) =>
      html`<tr><th scope="row"><code>${run}</code>${simulated && ' (simulated)'}</th><td>${command}</td><td>${timeText(started)}</td><td class="n">${showDuration(Date.parse(ended) - Date.parse(started))}</td><td class="n">${showCount(gateways)}</td><td class="n">${showCount(count)}</td><td>${verify}</td><td class="n">${exit_code}</td></tr>`,
  );
  const head = html`<tr><th scope="col">Run</th><th scope="col">Command</th><th scope="col">Started</th><th scope="col" class="n">Took</th><th scope="col" class="n">Gateways</th><th scope="col" class="n">Devices</th><th scope="col">Verified versions</th><th scope="col" class="n">Exit code</th></tr>`;
  return html`<section aria-labelledby="runs"><h2 id="runs">${runs.length === 1 ? 'The run' : 'The runs'}</h2>
<div class="wide" role="region" aria-labelledby="runs" tabindex="0"><table class="plain"><thead>${head}</thead><tbody>${rows}</tbody></table></div>${originTable(runs)}${firmwareTable(devices)}</section>`;
}

const byText = ({ user, host }: Pick<ReportRun, 'user' | 'host'>) =>
  [user, host].filter((part) => part !== null).join(' on ');

/** The table with the origin of each run: manifest, broker, user, host. */
function originTable(runs: RunReport['runs']): Html | null {
  const told = runs.filter(({ manifest, broker, user }) => manifest !== null || broker !== null || user !== null);
  if (told.length === 0) return null;
  const rows = told.map(({ run, manifest, manifest_sha256, broker, user, host, version, resumed }) => {
    const digest = manifest_sha256 !== null && html`<br><code>sha256:${manifest_sha256}</code>`;
    const by = byText({ user, host });
    const again = resumed
      .slice(-5)
      .map(
        (each) => html`<br>resumed ${timeText(each.time)}${each.user !== null && ` by ${short(byText(each), 200)}`}`,
      );
    return html`<tr>${runs.length > 1 && html`<th scope="row"><code>${run}</code></th>`}<td data-l="Manifest"><div><code>${manifest === null ? '' : manifestName(manifest)}</code>${digest}</div></td><td data-l="Broker"><code>${broker ?? ''}</code></td><td data-l="By"><div>${short(by, 200)}${again}</div></td><td data-l="dji-ota">${version ?? ''}</td></tr>
`;
  });
  return html`<h3 id="origin">Where ${runs.length === 1 ? 'it comes' : 'they come'} from</h3><table class="plain cards"><thead><tr>${runs.length > 1 && html`<th scope="col">Run</th>`}<th scope="col">Manifest</th><th scope="col">Broker</th><th scope="col">By</th><th scope="col">dji-ota</th></tr></thead><tbody>${rows}</tbody></table>`;
}

function firmwareTable(devices: RunReport['devices']): Html | null {
  const files = firmwareFiles(devices);
  if (files.length === 0) return null;
  const rows = files.map(
    ({ firmware, count }) =>
      html`<tr><th scope="row">${short(firmware.file_name, 200)}${firmware.product ? html` <small>${short(firmware.product, 40)}</small>` : ''}</th><td class="n">${showBytes(firmware.file_size)}</td><td><code>${short(firmware.md5, 64)}</code>${firmware.sha256 ? html`<br><code>sha256:${short(firmware.sha256, 64)}</code>` : ''}</td><td class="n">${showCount(count)}</td></tr>`,
  );
  return html`<h3 id="firmware">Firmware</h3><div class="wide" role="region" aria-labelledby="firmware" tabindex="0"><table class="plain"><thead><tr><th scope="col">File</th><th scope="col" class="n">Size</th><th scope="col">MD5</th><th scope="col" class="n">Devices</th></tr></thead><tbody>${rows}</tbody></table></div>`;
}

/** The section with errors, outages and warnings. */
export function noteSection({ errors, warnings, warnings_omitted, outages }: RunReport): Html | null {
  const note = (time: string, what: string, text: string | Html, more: Html | false = false) =>
    html`<li>${timeText(time)} <strong>${what}:</strong> ${text}${more}</li>
`;
  const lines = [
    ...errors.map(({ time, message, hint, details }) => {
      const list = details.length > 0 && html`<ul>${details.map((detail) => html`<li>${detail}</li>`)}</ul>`;
      return note(time, 'error', html`${message}${hint !== null && html` <em>${hint}</em>`}`, list);
    }),
    ...outages.map(({ from, to, reason }) => {
      const back =
        to === null ? 'it did not come back' : `back after ${showDuration(Date.parse(to) - Date.parse(from))}`;
      return note(from, 'broker lost', html`${reason}; ${back}`);
    }),
    ...warnings.map(({ time, message }) => note(time, 'warning', message)),
    ...(warnings_omitted > 0 ? [html`<li>… and ${showCount(warnings_omitted)} more warnings</li>`] : []),
  ];
  if (lines.length === 0) return null;
  return html`<section aria-labelledby="notes"><h2 id="notes">Errors and warnings</h2><ul class="notes">${lines}</ul></section>`;
}

/** The footer of the page. */
export function footer({ version }: RunReport): Html {
  return html`<footer>Made by dji-ota ${short(version, 40)}. Times are UTC.</footer>`;
}
