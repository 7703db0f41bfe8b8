import { CONNECTION } from '../../options/connection.js';
import { defineOptions, type Options } from '../../options/declaration.js';
import { LIMITS } from '../../options/limits.js';
import type { CommonOptions } from '../../options/on-every-command.js';
import { PID, RECORD, RUN_OUTPUT } from '../../options/output.js';
import { each } from '../../options/value-types.js';

export const WATCH = defineOptions({
  pid: { ...PID.pid, help: 'gateway to watch; repeatable, or a comma list' },
  bid: { value: '<id>', help: 'only this upgrade; repeatable', gather: each },
  follow: { help: 'do not end when all upgrades that were seen have ended' },
  ...RUN_OUTPUT,
  ...RECORD,
  stallTimeout: LIMITS.stallTimeout,
  timeout: LIMITS.timeout,
  ...CONNECTION,
});

export type WatchOptions = Options<typeof WATCH> & CommonOptions;
