// Prints the C++ sources of folders below native/, one a line, for binding.gyp: a new file needs no entry.
import { readdirSync } from 'node:fs';

const folders = process.argv.slice(2);
const sources = folders.flatMap((folder) =>
  readdirSync(new URL(`./${folder}/`, import.meta.url))
    .filter((name) => name.endsWith('.cc'))
    .map((name) => `native/${folder}/${name}`),
);
console.log(sources.sort().join('\n'));
