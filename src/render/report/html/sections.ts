/** The parts of the page that are words and numbers. */
import { showBytes, showDuration } from '../../../text.js';
import { causesOf } from '../../causes.js';
import { countedWord, KINDS, type Kind, kindWord } from '../../device-states.js';
import { exitWords } from '../../exit-words.js';
import { htmlText } from '../escape.js';
import type { RunReport } from '../model.js';
import { firmwareFiles, type Judged } from '../stats.js';
import { plural, showCount, sign, timeText } from './kinds.js';

const MOST_NAMED = 200;

/** The head of the page: how it ended, in one sentence, in numbers and as one bar. */
export function outcomeSection(report: RunReport, devices: readonly Judged[]): string {
  const { exit_code, runs, started, ended } = report;
  const kind: Kind = exit_code === 0 ? 'ok' : exit_code === 5 ? 'unknown' : 'failed';
  const counts = countsOf(devices);
  const tiles = counts.map(
    ([each, count]) =>
      `<li class="tile k-${each}"><b>${showCount(count)}</b><span>${sign(each)} ${kindWord(each)}</span></li>`,
  );
  const simulated = runs.some((run) => run.simulated);
  const which =
    runs.length === 1
      ? `${htmlText(runs[0]?.command ?? '')} run <code>${htmlText(runs[0]?.run ?? '')}</code>`
      : `${runs.length} runs`;
  return `<header class="head k-${kind}">
<div class="line"><p class="product">dji-ota · firmware upgrade</p><button type="button" id="theme" class="js-only" aria-pressed="false">Dark</button></div>
<h1>${sign(kind)} ${htmlText(sentence(report, devices))}</h1>
<p>${which} · ${plural(devices.length, 'device')} on ${plural(report.gateways, 'gateway')} · ${timeText(started)} · took ${showDuration(Date.parse(ended) - Date.parse(started))} · exit code ${exit_code} (${htmlText(exitWords(exit_code))})</p>
${simulated ? '<p class="badge">Simulated: no real device was upgraded.</p>' : ''}
${counts.length === 0 ? '<p>No device was upgraded.</p>' : `<ul class="tiles">${tiles.join('')}</ul>${bar(counts, devices.length)}`}
</header>`;
}

function sentence({ exit_code }: RunReport, devices: readonly Judged[]): string {
  const idle = devices.every(({ kind }) => kind === 'skipped');
  const good = devices.filter(({ kind }) => kind === 'ok' || kind === 'skipped').length;
  if (devices.length === 0) return exit_code === 0 ? 'Nothing to do' : 'The run did not get to its devices';
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

function bar(counts: readonly [Kind, number][], total: number): string {
  let x = 0;
  const parts = counts.map(([kind, count]) => {
    const width = (count / total) * 100;
    const part = `<rect class="f-${kind}" x="${x.toFixed(3)}%" width="${width.toFixed(3)}%" height="100%"/>`;
    x += width;
    return part;
  });
  const said = counts.map(([kind, count]) => `${count} ${kindWord(kind)}`).join(', ');
  return `<svg class="share" role="img" aria-label="${said}">${parts.join('')}</svg>`;
}

export function failureSection(report: RunReport): string {
  const causes = causesOf(report.devices);
  if (causes.length === 0) return '';
  const rows = causes.map(({ code, counted, meaning, advice, devices }) => {
    const names = devices.slice(0, MOST_NAMED).map(({ sn, pid }) => `<code>${htmlText(sn ?? pid, 80)}</code>`);
    const more = devices.length > MOST_NAMED ? ` and ${showCount(devices.length - MOST_NAMED)} more` : '';
    const list = `${names.join(' ')}${more}`;
    const which =
      devices.length <= 3 ? list : `<details><summary>${plural(devices.length, 'device')}</summary>${list}</details>`;
    const only =
      code === null
        ? ''
        : `<button type="button" class="js-only only" data-code="${code}">Show in the list<span class="vh"> of devices: code ${code}</span></button>`;
    return `<tr><th scope="row">${code ?? countedWord(counted)}</th><td class="n" data-l="Devices">${showCount(devices.length)}</td><td data-l="Meaning">${htmlText(meaning)}</td><td data-l="What to do">${htmlText(advice ?? '—')}</td><td data-l="Which"><div>${which} ${only}</div></td></tr>`;
  });
  return `<section aria-labelledby="failures"><h2 id="failures">What went wrong, and what to do</h2>
<table class="plain cards"><thead><tr><th scope="col">Code</th><th scope="col" class="n">Devices</th><th scope="col">Meaning</th><th scope="col">What to do</th><th scope="col">Which</th></tr></thead><tbody>${rows.join('\n')}</tbody></table></section>`;
}

export function runSection({ runs, devices }: RunReport): string {
  const rows = runs.map(
    ({ run, command, started, ended, exit_code, devices: count, gateways, verify, simulated }) =>
      `<tr><th scope="row"><code>${htmlText(run)}</code>${simulated ? ' (simulated)' : ''}</th><td>${htmlText(command)}</td><td>${timeText(started)}</td><td class="n">${showDuration(Date.parse(ended) - Date.parse(started))}</td><td class="n">${showCount(gateways)}</td><td class="n">${showCount(count)}</td><td>${verify}</td><td class="n">${exit_code}</td></tr>`,
  );
  const head = `<tr><th scope="col">Run</th><th scope="col">Command</th><th scope="col">Started</th><th scope="col" class="n">Took</th><th scope="col" class="n">Gateways</th><th scope="col" class="n">Devices</th><th scope="col">Verified versions</th><th scope="col" class="n">Exit code</th></tr>`;
  return `<section aria-labelledby="runs"><h2 id="runs">${runs.length === 1 ? 'The run' : 'The runs'}</h2>
<div class="wide" role="region" aria-labelledby="runs" tabindex="0"><table class="plain"><thead>${head}</thead><tbody>${rows.join('')}</tbody></table></div>${firmwareTable(devices)}</section>`;
}

function firmwareTable(devices: RunReport['devices']): string {
  const files = firmwareFiles(devices);
  if (files.length === 0) return '';
  const rows = files.map(
    ({ firmware, count }) =>
      `<tr><th scope="row">${htmlText(firmware.file_name, 200)}</th><td class="n">${showBytes(firmware.file_size)}</td><td><code>${htmlText(firmware.md5, 64)}</code></td><td class="n">${showCount(count)}</td></tr>`,
  );
  return `<h3 id="firmware">Firmware</h3><div class="wide" role="region" aria-labelledby="firmware" tabindex="0"><table class="plain"><thead><tr><th scope="col">File</th><th scope="col" class="n">Size</th><th scope="col">MD5</th><th scope="col" class="n">Devices</th></tr></thead><tbody>${rows.join('')}</tbody></table></div>`;
}

/** Errors, outages and warnings. */
export function noteSection({ errors, warnings, warnings_omitted, outages }: RunReport): string {
  const lines = [
    ...errors.map(({ time, message, hint, details }) => {
      const more =
        details.length > 0 ? `<ul>${details.map((detail) => `<li>${htmlText(detail)}</li>`).join('')}</ul>` : '';
      const what = hint === null ? '' : ` <em>${htmlText(hint)}</em>`;
      return `<li>${timeText(time)} <strong>error:</strong> ${htmlText(message)}${what}${more}</li>`;
    }),
    ...outages.map(({ from, to, reason }) => {
      const back =
        to === null ? 'it did not come back' : `back after ${showDuration(Date.parse(to) - Date.parse(from))}`;
      return `<li>${timeText(from)} <strong>broker lost:</strong> ${htmlText(reason)}; ${back}</li>`;
    }),
    ...warnings.map(({ time, message }) => `<li>${timeText(time)} <strong>warning:</strong> ${htmlText(message)}</li>`),
    ...(warnings_omitted > 0 ? [`<li>… and ${showCount(warnings_omitted)} more warnings</li>`] : []),
  ];
  if (lines.length === 0) return '';
  return `<section aria-labelledby="notes"><h2 id="notes">Errors and warnings</h2><ul class="notes">${lines.join('\n')}</ul></section>`;
}

export function footer({ version }: RunReport): string {
  return `<footer>Made by dji-ota ${htmlText(version, 40)}. Times are UTC.</footer>`;
}
