/** The output of `dji-ota init`: the progress of listening, and the result. */
import type { Heard, InitResult } from '../../../app/init/init.js';
import type { LeftOut } from '../../../app/init/reported.js';
import type { Reading } from '../../../firmware/read/progress.js';
import { modelName } from '../../../protocol/models.js';
import type { PhaseSpinner } from '../../../render/bars/phase-spinner.js';
import { resolveOutput } from '../../../render/choose.js';
import { upgradeLines } from '../../../render/run-header.js';
import { useColor, useUnicode } from '../../../render/terminal/color.js';
import { safeText, showDuration } from '../../../text.js';
import type { Io } from '../../io.js';

interface ListeningView {
  heard(heard: Heard): void;
  reading(files: readonly Reading[]): void;
  /** Clears the spinner while `write` prints to the same terminal. */
  say(write: () => void): void;
  close(): void;
}

/** A spinner on a terminal, otherwise a line at intervals. `gateways`: how many are listened to; null = all. */
export async function listeningView(
  { stderr, env, clock }: Io,
  color: false | undefined,
  gateways: number | null,
  timeout: number,
): Promise<ListeningView> {
  let spinner: PhaseSpinner | null = null;
  if (resolveOutput({ output: 'bars', stderr, env }) === 'bars') {
    const { phaseSpinner } = await import('../../../render/bars/phase-spinner.js');
    spinner = phaseSpinner(stderr, useColor(stderr, env, color), useUnicode(env));
  }
  let begun: number | null = null;
  let said = '';
  let nextAt = 0;
  return {
    heard({ broker, told, gateways: heard, devices }) {
      const now = clock.now();
      const first = begun === null;
      begun ??= now;
      const of = gateways === null ? `${count(heard, 'gateway')} heard` : `${told} of ${count(gateways, 'gateway')}`;
      const text = `${of}, ${count(devices, 'device')}`;
      const left = showDuration(Math.max(0, begun + timeout - now));
      if (spinner) return spinner.phase(`Listening on ${broker}: ${text}, at most ${left} more`);
      if (first) stderr.write(`Listening on ${safeText(broker)} for up to ${showDuration(timeout)}\n`);
      if (first || text === said || now < nextAt) return;
      said = text;
      nextAt = now + LINE_EVERY;
      stderr.write(`${text}\n`);
    },
    reading: (files) => spinner?.reading(files),
    say(write) {
      spinner?.stop();
      write();
    },
    close: () => spinner?.stop(),
  };
}

const LINE_EVERY = 5_000;

/** The summary of the result. `target`: where the manifest was written; `-` = standard output, null = nowhere. */
export function summaryLines(result: InitResult, target: string | null, unicode: boolean): string[] {
  const { devices, leftOut, others, unused, halves } = result;
  const written = devices.map((one) => one.written);
  const gateways = new Set(written.map(({ pid }) => pid)).size;
  const of = `${count(devices.length, 'device')} on ${count(gateways, 'gateway')}`;
  const lines =
    target === null
      ? ['Nothing was written: no device has a package.']
      : [`${target === '-' ? 'Manifest' : `Written: ${safeText(target, 300)}`}, ${of}`];
  const upgrades = devices.map(({ written: { known, product_version }, model, deduced, file_name }) => {
    const shown = deduced ? `${modelName(model)} (assumed)` : model;
    return { model: shown, file: file_name, from: known.version, to: product_version };
  });
  lines.push(...upgradeLines(upgrades, unicode).map((line) => `  ${line}`));
  const files = new Map<string, number>();
  for (const { file_name } of devices) files.set(file_name, (files.get(file_name) ?? 0) + 1);
  if (files.size + unused.length > 0) lines.push('Packages:');
  for (const [name, many] of files) lines.push(`  ${safeText(name, 120)}: ${count(many, 'device')}`);
  for (const { file_name, why } of unused) lines.push(`  ${safeText(file_name, 120)}: not used, ${why}`);
  if (leftOut.length > 0) lines.push(`Left out (${leftOut.length}):`, ...leftOutLines(leftOut));
  if (others > 0)
    lines.push(`${count(others, 'gateway')} that ${others === 1 ? 'is no dock' : 'are no docks'}: ignored`);
  const deduced = devices.filter((one) => one.deduced);
  if (deduced.length > 0) {
    const which = [...new Set(deduced.map(({ model }) => safeText(modelName(model), 60)))].join(' or ');
    lines.push(
      `warning: ${count(deduced.length, 'dock')} did not report a model: assumed to be ${which} because of the aircraft in it`,
    );
  }
  if (halves.length > 0) {
    const list = halves.slice(0, 5).map((pid) => safeText(pid, 128));
    const more = halves.length > 5 ? ` and ${halves.length - 5} more` : '';
    lines.push(
      `warning: of ${list.join(', ')}${more} only the dock or its aircraft is in the manifest; a pair with different releases may refuse to fly`,
    );
  }
  if (leftOut.some(({ unknown }) => unknown)) lines.push(UNTOLD);
  if (target !== null && target !== '-') {
    const name = /^[\w@%+=:,./-]+$/.test(target) ? target : `'${safeText(target, 300).replaceAll("'", "'\\''")}'`;
    lines.push(`Show the plan with: dji-ota push ${name} --serve <this machine>:8080 --dry-run`);
  }
  return lines;
}

const UNTOLD =
  'A dock reports its model when it connects and when its aircraft is switched on or off: listen longer with --timeout 10m. Reports are kept for the next time.';

/** The devices that were left out, by reason, the most frequent first. */
function leftOutLines(leftOut: readonly LeftOut[]): string[] {
  const reasons = new Map<string, LeftOut[]>();
  for (const one of leftOut) {
    const same = reasons.get(one.reason);
    if (same) same.push(one);
    else reasons.set(one.reason, [one]);
  }
  const groups = [...reasons].sort(([, a], [, b]) => b.length - a.length);
  return groups.flatMap(([reason, all]) => [
    `  ${safeText(reason, 600)}:`,
    ...all.map(({ sn, pid }) => {
      const on = pid === null || sn === pid || sn === null ? '' : ` on ${safeText(pid, 128)}`;
      return `    ${safeText(sn ?? pid ?? '', 128)}${on}`;
    }),
  ]);
}

function count(many: number, one: string): string {
  return `${many} ${one}${many === 1 ? '' : 's'}`;
}
