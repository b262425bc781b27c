// Fuzzes the native core with libFuzzer under ASan and UBSan, from vLLM's own vectors as a start, and
// the chat templates' renderer, which is TypeScript, with random templates (once it is built).
//
//   node native/fuzz.mjs [seconds per target, 30] [target]
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { objectsOf } from './objects.mjs';

const native = dirname(fileURLToPath(import.meta.url));
const root = dirname(native);
const xxhash = dirname(createRequire(import.meta.url).resolve('xxhash-addon/package.json'));
const seconds = Number(process.argv[2] ?? 30);
const only = process.argv[3];
/** Tests of the template fuzzer that share its time. */
const TEMPLATE_TESTS = 3;
// Not below build/, which node-gyp wipes.
const output = join(root, 'node_modules', '.cache', 'warmpath-fuzz');

const compiler = ['clang++', 'clang++-14'].find(
  (name) => spawnSync(name, ['--version']).status === 0,
);
if (compiler === undefined || !Number.isFinite(seconds)) {
  process.stderr.write(
    'usage: node native/fuzz.mjs [seconds] [target]; needs clang: apt-get install clang libclang-rt-14-dev\n',
  );
  process.exit(2);
}

const filesOf = (folder, end) =>
  readdirSync(join(native, folder))
    .filter((name) => name.endsWith(end))
    .map((name) => join(native, folder, name));

const SEED_TEXTS = [
  ...['Hello, world', " it's HTTP/2 \r\n\t x", '日本語。テスト', 'e\u0301<end>  a b', '1234.5e-7'],
  ...['aaaaaaaa', '        ', '\u0327\u0301', '<', '🙂🙂'],
];

/** Every batch, event and preimage of the golden vectors; texts; the vectors as JSON. */
function seeds(target) {
  if (target === 'tokenizer_fuzz') {
    return SEED_TEXTS.flatMap((text) =>
      [0, 1].map((isLong) => Buffer.from(`\0\x0f${isLong ? '\0' : '1'}\0${text}`)),
    );
  }
  if (target === 'json_tape_fuzz') {
    const body = {
      model: 'm',
      messages: [{ role: 'user', content: 'a "b"\né🙂' }],
      n: [1, -2.5e3],
    };
    return [JSON.stringify(body), '["\\ud83d\\ude42\\u0041",null,true,{}]', '[1,2,3]'].map((text) =>
      Buffer.from(text),
    );
  }
  const vectors = join(root, 'test', 'vectors');
  const texts = readdirSync(vectors)
    .filter((name) => name.endsWith('.json'))
    .map((name) => readFileSync(join(vectors, name), 'utf8'));
  const key = target === 'event_walker_fuzz' ? 'payload_hex' : 'block_hashes_hex';
  const found = texts.flatMap((text) => [
    ...text.matchAll(new RegExp(`"${key}":\\s*\\[?\\s*"([0-9a-f]+)"`, 'g')),
  ]);
  return found.map(([, hex]) => Buffer.from(hex, 'hex'));
}

function run(command, parameters) {
  const { status, error } = spawnSync(command, parameters, { stdio: 'inherit' });
  if (status === 0) return;
  process.stderr.write(`${basename(command)} failed ${error ?? ''}\n`);
  process.exit(1);
}

const flags = ['-std=c++20', '-g', '-O1', '-fno-sanitize-recover=all', '-pthread', '-I', native];
const command = [compiler, ...flags, '-isystem', join(xxhash, 'xxHash')];
const core = await objectsOf({
  command: [...command, '-fsanitize=fuzzer-no-link,address,undefined'],
  sources: filesOf('core', '.cc'),
  shared: [...filesOf('core', '.h'), fileURLToPath(import.meta.url)],
  output: join(output, 'core'),
});

for (const source of filesOf('fuzz', '.cc')) {
  const target = basename(source, '.cc');
  if (only !== undefined && only !== target) continue;
  const corpus = join(output, target);
  mkdirSync(corpus, { recursive: true });
  for (const seed of seeds(target)) {
    writeFileSync(join(corpus, createHash('sha1').update(seed).digest('hex')), seed);
  }
  const executable = join(output, `${target}.bin`);
  const [linker, ...parameters] = command;
  const instrumented = ['-fsanitize=fuzzer,address,undefined', ...core, source];
  run(linker, [...parameters, ...instrumented, '-o', executable]);
  process.stdout.write(`${target}: ${seconds} s\n`);
  run(executable, [
    `-max_total_time=${seconds}`,
    ...['-timeout=10', '-rss_limit_mb=2048', '-print_final_stats=1', '-verbosity=0'],
    ...[`-artifact_prefix=${output}/`, corpus],
  ]);
}

const templates = join(root, 'dist', 'test', 'contract', 'template-fuzz.test.js');
if ((only === undefined || only === 'template_fuzz') && existsSync(templates)) {
  process.stdout.write(`template_fuzz: ${seconds} s\n`);
  process.env['WARMPATH_FUZZ_SECONDS'] = String(seconds / TEMPLATE_TESTS);
  run(process.execPath, ['--test', templates]);
}
