// Builds and runs a program on the native core alone, without Node: its tests, plain or under a
// sanitizer, and its benchmark. Node itself is not instrumented, so the addon cannot be tested so.
//
//   node native/run.mjs test [address|thread] [filter]
//   node native/run.mjs bench [arguments]
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const native = dirname(fileURLToPath(import.meta.url));
const SANITIZERS = {
  address: ['-fsanitize=address,undefined', '-fno-sanitize-recover=all', '-O1', '-g'],
  thread: ['-fsanitize=thread', '-O1', '-g'],
};

const [program, ...rest] = process.argv.slice(2);
if (program !== 'test' && program !== 'bench') {
  process.stderr.write(
    'usage: node native/run.mjs test [address|thread] [filter] | bench [args]\n',
  );
  process.exit(2);
}
const sanitizer = program === 'test' && rest[0] in SANITIZERS ? rest.shift() : null;
const xxhash = dirname(createRequire(import.meta.url).resolve('xxhash-addon/package.json'));
const flags = [
  ...['-std=c++20', '-Wall', '-Wextra', '-Werror', '-fno-exceptions', '-fno-rtti', '-pthread'],
  ...['-I', native, '-isystem', join(xxhash, 'xxHash')],
  ...(sanitizer === null ? ['-O3', '-g'] : SANITIZERS[sanitizer]),
];

const sourcesOf = (folder, ends) =>
  readdirSync(join(native, folder))
    .filter((name) => name.endsWith(ends))
    .map((name) => join(native, folder, name));
const modified = (file) => (existsSync(file) ? statSync(file).mtimeMs : 0);
const headers = ['core', 'test'].flatMap((folder) => sourcesOf(folder, '.h'));
const newestHeader = Math.max(...headers.map(modified), modified(fileURLToPath(import.meta.url)));

function compile(...parameters) {
  const compiler = process.env.CXX ?? 'g++';
  const { status, error } = spawnSync(compiler, parameters, { stdio: 'inherit' });
  if (status !== 0) {
    process.stderr.write(`${compiler} failed ${error ?? ''}\n`);
    process.exit(1);
  }
}

const output = join(dirname(native), 'build', 'native', sanitizer ?? 'plain');
mkdirSync(output, { recursive: true });
const mine =
  program === 'test' ? (name) => !name.endsWith('_bench.cc') : (name) => name.endsWith('_bench.cc');
const objects = [...sourcesOf('core', '.cc'), ...sourcesOf('test', '.cc').filter(mine)].map(
  (source) => {
    const object = join(output, `${basename(source, '.cc')}.o`);
    if (modified(object) < Math.max(modified(source), newestHeader)) {
      compile(...flags, '-c', source, '-o', object);
    }
    return object;
  },
);
const executable = join(output, `native_${program}`);
compile(...flags, ...objects, '-o', executable);
const { status, signal } = spawnSync(executable, rest, { stdio: 'inherit' });
if (signal !== null) process.stderr.write(`${executable} ended by ${signal}\n`);
process.exit(status ?? 1);
