// Preloaded into the program: at its end, the files that it has loaded go to the file named in LOADED_FILES.
const { writeFileSync } = require('node:fs');
const { basename, dirname, join } = require('node:path');

process.on('exit', () => {
  const files = Object.keys(require.cache).flatMap((file) =>
    // Many small parts in one file: what counts is which of them have run.
    /^parts-\w+\.js$/.test(basename(file))
      ? require.cache[file].exports.loaded().map((part) => join(dirname(file), part))
      : [file],
  );
  writeFileSync(process.env.LOADED_FILES, JSON.stringify(files));
});
