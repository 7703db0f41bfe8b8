#!/usr/bin/env node
/**
 * Records a real run of the program on a terminal as an animated SVG: `node scripts/make-recording.js docs/push.svg`. Needs
 * `npm run build`, and util-linux's `script` for the pseudo-terminal. Viewers without animation show the last frame but one.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import xterm from '@xterm/headless';

const COLUMNS = 84;
const ROWS = 12;
const FRAME_MS = 400;
const CELL = { width: 8.4, height: 18 };
const COMMAND = 'dji-ota push examples/manifest.json --simulate --preflight warn';

const [target = 'docs/push.svg', ...rest] = process.argv.slice(2);
const command = rest.length > 0 ? rest.join(' ') : COMMAND;
const home = mkdtempSync(join(tmpdir(), 'dji-ota-recording-'));
const terminal = new xterm.Terminal({ cols: COLUMNS, rows: ROWS, allowProposedApi: true, scrollback: 0 });
const frames = [];

const shell = `stty cols ${COLUMNS} rows ${ROWS}; ${command.replace(/^dji-ota/, 'node bin/dji-ota.js')}`;
const child = spawn('script', ['-qfec', shell, '/dev/null'], {
  env: {
    PATH: process.env.PATH,
    HOME: home,
    TERM: 'xterm-256color',
    LANG: 'C.UTF-8',
    FORCE_COLOR: '1',
    DJI_OTA_HOME: home,
  },
  stdio: ['ignore', 'pipe', 'inherit'],
});
let writing = Promise.resolve();
child.stdout.on('data', (data) => {
  writing = writing.then(() => new Promise((done) => terminal.write(data, done)));
});
const timer = setInterval(() => frames.push(picture()), FRAME_MS);
child.on('close', async () => {
  clearInterval(timer);
  await writing;
  frames.push(picture());
  rmSync(home, { recursive: true, force: true });
  const svg = render(deduplicate(frames));
  writeFileSync(target, svg);
  console.log(`${target}: ${frames.length} frames, ${Math.round(svg.length / 1024)} kB`);
});

/** The screen as runs of equal style, one list per row. */
function picture() {
  const buffer = terminal.buffer.active;
  return Array.from({ length: ROWS }, (_, row) => {
    const line = buffer.getLine(buffer.viewportY + row);
    const runs = [];
    for (let column = 0; column < COLUMNS; column++) {
      const cell = line?.getCell(column);
      const text = cell?.getChars() || ' ';
      const style = cell
        ? { color: cell.isFgPalette() ? cell.getFgColor() : null, bold: !!cell.isBold(), dim: !!cell.isDim() }
        : { color: null, bold: false, dim: false };
      const last = runs.at(-1);
      if (last && JSON.stringify(last.style) === JSON.stringify(style)) last.text += text;
      else runs.push({ column, text, style });
    }
    return runs.filter((run) => run.text.trim() !== '');
  });
}

function deduplicate(all) {
  const kept = [];
  for (const frame of all) {
    const last = kept.at(-1);
    if (last && JSON.stringify(last.frame) === JSON.stringify(frame)) last.count++;
    else kept.push({ frame, count: 1 });
  }
  // The result stays on screen for a while before the animation starts again.
  const end = kept.at(-1);
  if (end) end.count += 10;
  return kept;
}

function render(kept) {
  const total = kept.reduce((sum, { count }) => sum + count, 0);
  const width = Math.ceil(COLUMNS * CELL.width + 32);
  const height = Math.ceil((ROWS + 1) * CELL.height + 56);
  let at = 0;
  const parts = kept.map(({ frame, count }, index) => {
    const from = ((at / total) * 100).toFixed(3);
    at += count;
    const to = ((at / total) * 100).toFixed(3);
    const css = `@keyframes f${index}{0%{opacity:0}${from}%{opacity:1}${to}%{opacity:0}100%{opacity:0}}#f${index}{animation:f${index} ${(total * FRAME_MS) / 1000}s step-end infinite;opacity:${index === kept.length - 3 ? 1 : 0}}`;
    return { css, svg: `<g id="f${index}">${frame.map(rowSvg).join('')}</g>` };
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="A terminal: dji-ota push shows a progress bar for each device, and a table at the end">
<style>text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre;fill:#d7dce2}.b{font-weight:600}.d{opacity:.6}.c1{fill:#ff7b72}.c2{fill:#56d364}.c3{fill:#e3b341}.c4{fill:#79c0ff}.c5{fill:#d2a8ff}.c6{fill:#56d4dd}${parts.map(({ css }) => css).join('')}</style>
<rect width="${width}" height="${height}" rx="8" fill="#161b22"/>
<circle cx="20" cy="18" r="6" fill="#ff5f57"/><circle cx="40" cy="18" r="6" fill="#febc2e"/><circle cx="60" cy="18" r="6" fill="#28c840"/>
<text x="16" y="${CELL.height + 30}"><tspan class="c2">$</tspan> ${escapeXml(command)}</text>
${parts.map(({ svg }) => svg).join('\n')}
</svg>
`;
}

function rowSvg(runs, row) {
  return runs
    .map(({ column, text, style }) => {
      const start = text.length - text.trimStart().length;
      const x = (16 + (column + start) * CELL.width).toFixed(1);
      const y = (row + 2) * CELL.height + 30;
      const classes = [style.bold && 'b', style.dim && 'd', style.color !== null && `c${style.color % 8}`].filter(
        Boolean,
      );
      const shown = text.trim();
      const attribute = classes.length > 0 ? ` class="${classes.join(' ')}"` : '';
      return `<text x="${x}" y="${y}"${attribute} textLength="${(shown.length * CELL.width).toFixed(1)}">${escapeXml(shown)}</text>`;
    })
    .join('');
}

function escapeXml(text) {
  return text.replace(/[&<>"]/g, (char) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[char] ?? char);
}
