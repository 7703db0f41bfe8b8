import { safeJson } from '../../text.js';
import type { RunReport } from './model.js';

/** `.json`: the report itself, with one line per device, so that two reports can be compared line by line. */
export function jsonReport(report: RunReport): string {
  const { devices, ...rest } = report;
  const head = JSON.stringify(rest, null, 2).replace(/\n}$/, '');
  const lines = devices.map((device) => `    ${JSON.stringify(device)}`).join(',\n');
  const text = `${head},\n  "devices": [${devices.length === 0 ? '' : `\n${lines}\n  `}]\n}\n`;
  return safeJson(text);
}
