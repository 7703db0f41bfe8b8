import type { RunReport } from './model.js';

// Valid JSON as they are, but read as line ends or as terminal commands by some of those who look at a file.
const AWKWARD = /[\u007f-\u009f\u2028\u2029]/g;

/** `.json`: the report itself; one line a device, so that two reports can be compared line by line. */
export function jsonReport(report: RunReport): string {
  const { devices, ...rest } = report;
  const head = JSON.stringify(rest, null, 2).replace(/\n}$/, '');
  const lines = devices.map((device) => `    ${JSON.stringify(device)}`).join(',\n');
  const text = `${head},\n  "devices": [${devices.length === 0 ? '' : `\n${lines}\n  `}]\n}\n`;
  return text.replace(AWKWARD, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
