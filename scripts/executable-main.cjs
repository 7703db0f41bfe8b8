/**
 * What the single executable runs first: the program of dist/program, whose files are in the executable as assets. A file is
 * compiled when it is first required, as Node does with files on a disk. In a worker thread `entry` names the file to run.
 */
'use strict';
const nodeModule = require('node:module');
const path = require('node:path');
const sea = require('node:sea');
const threads = require('node:worker_threads');
const vm = require('node:vm');

// No such folder exists; the names are for error messages.
const FOLDER = path.resolve(path.sep, 'dji-ota', 'dist', 'program');
const made = new Map();

/** A thread cannot begin with a file of this program: it begins with this text, and the file's name. */
class Worker extends threads.Worker {
  constructor(file, options) {
    const begin = { entry: path.basename(String(file)) };
    super(sea.getAsset('main', 'utf8'), { ...options, eval: true, workerData: begin });
  }
}

function load(name) {
  if (!name.startsWith('./')) return name === 'node:worker_threads' ? { ...threads, Worker } : require(name);
  const known = made.get(name);
  if (known) return known.exports;
  const module = { exports: {} };
  made.set(name, module);
  const filename = path.join(FOLDER, name);
  const code = nodeModule.wrap(sea.getAsset(`program/${name.slice(2)}`, 'utf8'));
  const run = new vm.Script(code, { filename }).runInThisContext();
  run.call(module.exports, module.exports, load, module, filename, FOLDER);
  return module.exports;
}

if (threads.isMainThread) {
  load('./start.js')
    .main(process.argv.slice(2))
    .then((code) => {
      process.exitCode = code;
    });
} else {
  load(`./${threads.workerData.entry}`);
}
