#!/usr/bin/env node
import module from 'node:module';

// Exists from Node 22 on; it has to run before the import that it is to speed up.
module.enableCompileCache?.();
const { main } = await import('../dist/cli/main.js');
process.exitCode = await main(process.argv.slice(2));
