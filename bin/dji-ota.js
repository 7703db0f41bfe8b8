#!/usr/bin/env node
'use strict';

// The compile cache exists since Node 22. In older versions, requesting it would take milliseconds.
if (Number.parseInt(process.versions.node, 10) >= 22) {
  require('../dist/program/compile-cache.js').enableCompileCache(process.env);
}
const { main } = require('../dist/program/start.js');
main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
