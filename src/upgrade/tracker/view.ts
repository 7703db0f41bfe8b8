import type { RunCore } from '../core/core.js';
import { waveCount } from '../rollout/waves.js';
import type { RunView } from './state.js';

/** A live view of a run, for bars and tables. */
export function viewOf(core: RunCore, downloads: RunView['downloads'] = new Map()): RunView {
  return {
    devices: core.tracker.devices,
    totals: core.tracker.totals,
    get wave() {
      const of = waveCount(core.rollout);
      return of > 1 ? { current: core.rollout.wave + 1, of } : null;
    },
    fileOf: (index) => core.plan.devices[index]?.file?.file_name ?? null,
    downloads: downloads ?? new Map(),
  };
}
