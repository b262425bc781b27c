// Builds and runs a program on the native core alone, without Node: its tests and the stress of the
// prefix index, plain or under a sanitizer, and that index's benchmark. Node itself is not
// instrumented, so a sanitizer cannot look into the addon.
//
//   node native/run.mjs test [address|thread] [part of test names]
//   node native/run.mjs stress [address|thread] [seconds] [seed]
//   node native/run.mjs bench [--quick] [part]...
//   node native/run.mjs plain              builds bench/plain_index_addon.cc, prints where it lies
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { modified, objectsOf } from './objects.mjs';

const native = dirname(fileURLToPath(import.meta.url));
const root = dirname(native);
const xxhash = dirname(createRequire(import.meta.url).resolve('xxhash-addon/package.json'));
// `ccache g++` is two words.
const [compiler, ...wrapped] = (process.env['CXX'] ?? 'g++').split(' ');
const SANITIZERS = {
  address: ['-fsanitize=address,undefined', '-fno-sanitize-recover=all', '-O1'],
  thread: ['-fsanitize=thread', '-O1'],
};
const INDEX_SOURCES =
  /^(copy_counts|evictor|growing_table|holder_.*|index_census|matcher|memory_region|prefix_index.*|slab_pool|slot_table)\.cc$/;

const [program, ...rest] = process.argv.slice(2);
if (!['test', 'stress', 'bench', 'plain'].includes(program)) {
  process.stderr.write(
    'usage: node native/run.mjs test [address|thread] [name] | stress [address|thread] [seconds] [seed] | bench [--quick] [part]... | plain\n',
  );
  process.exit(2);
}
const sanitizer = program !== 'bench' && Object.hasOwn(SANITIZERS, rest[0]) ? rest.shift() : null;
const flags = [
  ...[
    '-std=c++20',
    '-Wall',
    '-Wextra',
    '-Werror',
    '-fno-exceptions',
    '-fno-rtti',
    '-pthread',
    '-g',
  ],
  ...['-I', native, '-isystem', join(xxhash, 'xxHash')],
  // -O3 is the addon's; under it GCC 12 mistakes a comparison of vectors in a test for an overread.
  ...(sanitizer !== null ? SANITIZERS[sanitizer] : [program === 'bench' ? '-O3' : '-O2']),
];

if (program === 'plain') {
  buildPlainAddon();
  process.exit(0);
}

const filesOf = (folder, test) =>
  readdirSync(folder)
    .filter(test)
    .map((name) => join(folder, name));
const isSource = (name) => name.endsWith('.cc');
const core = join(native, 'core');
const test = join(native, 'test');
const stress = join(native, 'stress');
const bench = join(root, 'bench');
const indexSources = () => filesOf(core, (name) => INDEX_SOURCES.test(name));
const sources = {
  test: () => [...filesOf(core, isSource), ...filesOf(test, isSource)],
  stress: () => [...indexSources(), ...filesOf(stress, isSource)],
  bench: () => [...indexSources(), join(bench, 'prefix_index_bench.cc')],
}[program]();
const shared = [core, test, stress, bench, join(bench, 'index')].flatMap((folder) =>
  filesOf(folder, (name) => name.endsWith('.h')),
);

function buildPlainAddon() {
  const sources = ['plain_index_addon.cc', 'plain_index.h'].map((name) =>
    join(root, 'bench', name),
  );
  const output = join(root, 'dist', 'native', 'plain_index.node');
  mkdirSync(dirname(output), { recursive: true });
  if (modified(output) < Math.max(...sources.map(modified))) {
    const { include_dir: headers } = createRequire(import.meta.url)('node-api-headers');
    const shared = ['-O3', '-fPIC', '-shared', '-DNAPI_VERSION=9', '-isystem', headers];
    compile(...flags, ...shared, sources[0], '-o', output);
  }
  process.stdout.write(`${output}\n`);
}

function compile(...parameters) {
  const { status, error } = spawnSync(compiler, [...wrapped, ...parameters], { stdio: 'inherit' });
  if (status === 0) return;
  process.stderr.write(`${compiler} failed ${error ?? ''}\n`);
  process.exit(1);
}

// Not below build, which node-gyp wipes.
// Tests and stress share the objects of the core.
const output = join(root, 'dist', 'native', sanitizer ?? (program === 'bench' ? 'bench' : 'test'));
const objects = await objectsOf({
  command: [compiler, ...wrapped, ...flags],
  ...{ sources, shared: [...shared, fileURLToPath(import.meta.url)], output },
});
const executable = join(output, `native_${program}`);
compile(...flags, ...objects, '-o', executable);
const { status, signal } = spawnSync(executable, rest, { stdio: 'inherit' });
if (signal !== null) process.stderr.write(`${executable} ended by ${signal}\n`);
process.exit(status ?? 1);
