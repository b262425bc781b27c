// Writes the reference tables into the documents; run it after a change of settings or metrics.
import { readFileSync, writeFileSync } from 'node:fs';
import { REFERENCES, withTable } from '../dist/src/cli/reference.js';

for (const { file, name, table } of REFERENCES) {
  const url = new URL(`../${file}`, import.meta.url);
  writeFileSync(url, withTable(readFileSync(url, 'utf8'), name, table()));
}
