#!/usr/bin/env node
/** Writes the man page, dist/dji-ota.1, from the program's own declarations (needs `npm run build`). */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { version } from '../dist/app/version.js';
import { createProgram } from '../dist/cli/program.js';

const io = { env: {}, stdout: process.stdout, stderr: process.stderr, signal: new AbortController().signal };

/** Escapes text for roff, so that no line is taken for a request. */
function text(plain) {
  return plain.replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll('’', '\\(cq').replace(/^[.']/gm, '\\&$&');
}

function optionLines(command) {
  const lines = [];
  const groups = new Map();
  for (const option of command.createHelp().visibleOptions(command)) {
    const heading = option.helpGroupHeading ?? 'Options:';
    groups.set(heading, [...(groups.get(heading) ?? []), option]);
  }
  for (const [heading, options] of groups) {
    lines.push('.PP', `\\fI${text(heading.replace(/:$/, ''))}\\fR`);
    for (const option of options) {
      lines.push('.TP', `\\fB${text(option.flags)}\\fR`, text(option.description));
    }
  }
  return lines;
}

/** The text of help after the options. */
function afterHelp(command) {
  let said = '';
  const write = (more) => {
    said += more;
  };
  command.emit('afterHelp', { error: false, command, write });
  return said.trim();
}

function verbatim(block) {
  return ['.PP', '.nf', text(block), '.fi'];
}

function commandLines(command, path) {
  const usage = command.createHelp().commandUsage(command).replace(/\s+/g, ' ');
  const after = afterHelp(command)
    .replace(/\n*Exit codes:\n(?: +\S.*\n?)+/g, '\n')
    .trim();
  return [
    `.SS ${text(`${path} ${command.name()}`.trim())}`,
    `\\fB${text(usage)}\\fR`,
    '.PP',
    text(command.description()),
    ...optionLines(command),
    ...(after === '' ? [] : verbatim(after)),
    ...command.commands.flatMap((each) => commandLines(each, `${path} ${command.name()}`.trim())),
  ];
}

const { command: program } = createProgram(io);
const after = afterHelp(program);
const exitCodes = /Exit codes:\n((?: +\S.*\n?)+)/.exec(after)?.[1] ?? '';
const examples = /Examples:\n((?: +\S.*\n?)+)/.exec(after)?.[1] ?? '';

const lines = [
  '.\\" Made by scripts/make-man.js from the program itself.',
  `.TH DJI\\-OTA 1 "" "dji\\-ota ${version()}" "User Commands"`,
  '.SH NAME',
  `dji\\-ota \\- ${text(program.description().replace(/\.$/, ''))}`,
  '.SH SYNOPSIS',
  '\\fBdji\\-ota\\fR \\fIcommand\\fR [\\fIoptions\\fR]',
  '.SH DESCRIPTION',
  text(
    'Reads a manifest, publishes ota_create to each gateway, follows ota_progress until every device has ended, and exits with a code that a script can trust. Results are on standard output; progress, warnings and errors are on standard error.',
  ),
  ...optionLines(program),
  '.SH COMMANDS',
  ...program.commands.flatMap((command) => commandLines(command, '')),
  '.SH "EXIT STATUS"',
  ...verbatim(exitCodes.trimEnd()),
  '.SH ENVIRONMENT',
  ...[
    [
      'DJI_OTA_BROKER, DJI_OTA_USERNAME, DJI_OTA_PROFILE, DJI_OTA_OUTPUT',
      'As the options of the same names, which win.',
    ],
    ['DJI_OTA_PASSWORD', 'The password at the broker. It never comes as an option.'],
    ['DJI_OTA_HOME', 'Folder of everything that is kept on disk: settings, run journals, caches.'],
    ['NO_COLOR, CI', 'No colours; a log in place of bars.'],
  ].flatMap(([name, description]) => ['.TP', `\\fB${text(name)}\\fR`, text(description)]),
  '.SH EXAMPLES',
  ...verbatim(examples.trimEnd()),
  '',
];
writeFileSync(fileURLToPath(new URL('../dist/dji-ota.1', import.meta.url)), lines.join('\n'));
