import type { RunView } from '../upgrade/tracker/state.js';
import { KINDS, type Kind, kindOf, kindWord } from './device-states.js';

/** The state of a large fleet on one line: `1000 devices: 12 failed, 688 running (41 %), 300 ok`. */
export function summaryText(view: RunView): string {
  const counts = new Map<Kind, number>();
  let percent = 0;
  for (const device of view.devices) {
    const kind = kindOf(device);
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    if (kind === 'running') percent += overall(device.step, device.percent);
  }
  const running = counts.get('running') ?? 0;
  const parts = KINDS.filter((kind) => counts.has(kind)).map((kind) => {
    const mean = kind === 'running' && running > 0 ? ` (${Math.floor(percent / running)} %)` : '';
    return `${counts.get(kind)} ${kindWord(kind)}${mean}`;
  });
  return `${view.devices.length} devices: ${parts.join(', ')}`;
}

/**
 * The progress of a device over both steps, 0 to 100; the download is the first half. Whether a dock counts percent for each
 * step or over both is not documented; this value never decreases in either case.
 */
export function overall(step: string | null, percent: number | null): number {
  if (percent === null) return step === 'upgrade_firmware' ? 50 : 0;
  if (step === 'download_firmware') return percent / 2;
  return step === 'upgrade_firmware' ? 50 + percent / 2 : percent;
}
