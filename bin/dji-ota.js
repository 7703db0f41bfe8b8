#!/usr/bin/env node
'use strict';

// There is a compile cache from Node 22 on; before that, asking for it would cost milliseconds.
if (Number.parseInt(process.versions.node, 10) >= 22) {
  require('../dist/program/compile-cache.js').enableCompileCache(process.env);
}
const { main } = require('../dist/program/start.js');
main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
