import { defineOptions, type Options } from '../../options/declaration.js';
import type { CommonOptions } from '../../options/on-every-command.js';
import { RUN_OUTPUT } from '../../options/output.js';

export const REPORT = defineOptions({ report: RUN_OUTPUT.report });

/** The parsed options of `report`. */
export type ReportOptions = Options<typeof REPORT> & CommonOptions;
