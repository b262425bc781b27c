// What tsc does not do: the dashboard's files beside the code, and a command that can be run.
import { chmodSync, cpSync } from 'node:fs';

const dist = new URL('../dist/src/', import.meta.url);
cpSync(new URL('../src/dashboard', import.meta.url), new URL('dashboard', dist), {
  recursive: true,
});
// `npx .` runs the file itself.
chmodSync(new URL('main.js', dist), 0o755);
