// Preloaded into the program: at its end, the files that it has loaded go to the file named in LOADED_FILES.
const { writeFileSync } = require('node:fs');

process.on('exit', () => writeFileSync(process.env.LOADED_FILES, JSON.stringify(Object.keys(require.cache))));
