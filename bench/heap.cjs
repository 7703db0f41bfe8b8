// Preloaded: at SIGUSR2, what is on the heap after a full collection goes to the file HEAP_FILE.
const { renameSync, writeFileSync } = require('node:fs');

process.on('SIGUSR2', () => {
  for (let round = 0; round < 3; round++) global.gc();
  const { heapUsed, external } = process.memoryUsage();
  writeFileSync(`${process.env.HEAP_FILE}.half`, String(heapUsed + external));
  renameSync(`${process.env.HEAP_FILE}.half`, process.env.HEAP_FILE);
});
