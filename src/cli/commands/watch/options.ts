import { CONNECTION } from '../../options/connection.js';
import { defineOptions, type Options } from '../../options/declaration.js';
import { LIMITS } from '../../options/limits.js';
import type { CommonOptions } from '../../options/on-every-command.js';
import { PID, RECORD, RUN_OUTPUT } from '../../options/output.js';
import { each } from '../../options/value-types.js';

export const WATCH = defineOptions({
  pid: { ...PID.pid, help: 'gateway to watch; repeatable, or comma-separated' },
  bid: { value: '<id>', help: 'follow only the upgrade with this bid; repeatable', gather: each },
  follow: { help: 'keep watching after all upgrades have ended' },
  ...RUN_OUTPUT,
  ...RECORD,
  stallTimeout: LIMITS.stallTimeout,
  timeout: LIMITS.timeout,
  ...CONNECTION,
});

/** The parsed options of `watch`. */
export type WatchOptions = Options<typeof WATCH> & CommonOptions;
