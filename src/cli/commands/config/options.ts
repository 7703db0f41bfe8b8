import { CONNECTION } from '../../options/connection.js';
import { defineOptions, type Options } from '../../options/declaration.js';
import { PID, TEXT_OUTPUT } from '../../options/output.js';

/** The options of `config test`. */
export const TEST = defineOptions({
  pid: { ...PID.pid, help: 'gateway whose topics are tested; repeatable, or comma-separated' },
  ...TEXT_OUTPUT,
  ...CONNECTION,
});

/** The parsed options of `config test`. */
export type TestOptions = Options<typeof TEST>;
