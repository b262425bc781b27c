// What the image and the package are made of. `npm run image:check` and `npm run pack:check` make and start
// them, which takes minutes; here is what breaks them most often.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

interface Stage {
  readonly base: string;
  readonly name: string | null;
  readonly steps: readonly { readonly instruction: string; readonly text: string }[];
  readonly config: {
    readonly user: string | null;
    readonly entrypoint: readonly string[];
    readonly healthcheck: readonly string[];
    readonly cmd: readonly string[];
  };
}

interface DockerfileScript {
  readDockerfile(text: string, args?: Record<string, string>): Stage[];
  readCopy(text: string): { from: string | null; sources: string[]; target: string };
  contextFiles(root: string): string[];
}

const { readDockerfile, readCopy, contextFiles }: DockerfileScript = await import(
  join(ROOT, 'deploy/image/dockerfile.mjs')
);

test('every file that the image is made of, or starts, is in its build context', () => {
  const context = new Set(contextFiles(ROOT));
  const [build, image, ...others] = readDockerfile(read('Dockerfile'));
  assert.ok(build !== undefined && image !== undefined && others.length === 0);
  const copies = build.steps.filter(({ instruction }) => instruction === 'COPY');
  assert.deepEqual(
    copies.map(({ text }) => readCopy(text)),
    [{ from: null, sources: ['.'], target: '/src' }],
  );
  const runs = build.steps.filter(({ instruction }) => instruction === 'RUN');
  const named = runs.flatMap(({ text }) =>
    [...text.matchAll(/\/src\/(\S+)/g)].map(([, path]) => path),
  );
  assert.deepEqual(named, ['deploy/image/build.sh']);
  // What build.sh takes along, and what its npm scripts run.
  const script = read('deploy/image/build.sh');
  const beside = [...script.matchAll(/\$here\/([\w.-]+)/g)].map(
    ([, name]) => `deploy/image/${name}`,
  );
  assert.deepEqual(beside, ['deploy/image/trim.mjs', 'deploy/image/healthcheck.mjs']);
  const { scripts } = JSON.parse(read('package.json'));
  const ran = [scripts.install, scripts.build, scripts['build:ts']]
    .join(' ')
    .match(/[\w./-]+\.(?:mjs|json)/g);
  const needed = [
    ...named,
    ...beside,
    ...(ran ?? []),
    'package-lock.json',
    'LICENSE',
    'binding.gyp',
  ];
  for (const path of needed)
    assert.ok(path !== undefined && context.has(path), `${path} is left out`);
  assert.ok(needed.length > 8);
  // The same for /app, which build.sh fills.
  const { entrypoint, healthcheck } = image.config;
  assert.deepEqual(entrypoint, ['node', '/app/dist/src/main.js']);
  assert.ok(context.has('src/main.ts'));
  assert.deepEqual(healthcheck, ['node', '/app/healthcheck.mjs']);
});

test('what a working copy gathers stays out of the build context', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'warmpath-context-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const litter = [
    ...['node_modules/a/index.js', 'bench/fleet/node_modules/b/x.js', '.git/config', '.ci/run'],
    ...['dist/src/main.js', 'build/Release/warmpath.node', 'bench/results/fleet.json'],
    ...['decisions.jsonl', 'soak/router.log', 'warmpath-0.1.0.tgz', '.env', 'src/.env.local'],
    ...['.npmrc', 'tls.key', 'test/unit/a.test.ts', 'docs/kubernetes.md', 'coverage/x'],
  ];
  const sources = ['src/main.ts', 'bench/build-info.ts', 'native/build.mjs', 'package.json'];
  for (const path of [...litter, ...sources]) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), '');
  }
  writeFileSync(join(folder, '.dockerignore'), read('.dockerignore'));
  assert.deepEqual(contextFiles(folder).sort(), [...sources].sort());
  const files = contextFiles(ROOT);
  assert.ok(files.length > 100);
  const bytes = files.reduce((sum, path) => sum + readFileSync(join(ROOT, path)).length, 0);
  assert.ok(bytes < 8e6, `the context has ${bytes} bytes`);
});

test('the image runs as a user, by number, on a base whose glibc uWebSockets.js loads on', () => {
  const digest = `node:22-trixie-slim@sha256:${'0'.repeat(64)}`;
  const [build, image] = readDockerfile(read('Dockerfile'), { NODE_IMAGE: digest });
  assert.deepEqual([build?.base, image?.base], [digest, digest]);
  assert.equal(image?.config.user, '10001:10001');
  const [plain] = readDockerfile(read('Dockerfile'));
  assert.match(plain?.base ?? '', /^node:22-trixie-slim$/);
  const deployment = read('deploy/base/deployment.yaml');
  assert.match(deployment, /runAsUser: 10001\n\s+runAsGroup: 10001/);
  assert.deepEqual(image?.config.cmd, ['serve', '--config', '/etc/warmpath/warmpath.yaml']);
});

test('every native dependency has a binary for the image, on amd64 and on arm64', () => {
  const { packages } = JSON.parse(read('package-lock.json'));
  for (const arch of ['x64', 'arm64']) {
    // Node 22 has ABI 127.
    const uws = `node_modules/uWebSockets.js/uws_linux_${arch}_127.node`;
    assert.ok(existsSync(join(ROOT, uws)), uws);
    const zmq = `node_modules/zeromq/build/linux/${arch}/node`;
    assert.ok(existsSync(join(ROOT, zmq)), zmq);
    const locked = Object.keys(packages).some((name) =>
      name.endsWith(`/tokenizers-linux-${arch}-gnu`),
    );
    const shipped = existsSync(
      join(ROOT, `node_modules/tokenizers/tokenizers.linux-${arch}-gnu.node`),
    );
    assert.ok(locked || shipped, `tokenizers for ${arch}`);
  }
});

test('a Dockerfile that goes beyond what the check can run is refused, not guessed at', () => {
  const from = 'FROM a AS b\n';
  assert.throws(() => readDockerfile(`${from}ADD x /y`), /ADD is not known/);
  assert.throws(() => readDockerfile(`${from}USER 1:1\nRUN true`), /RUN after WORKDIR or USER/);
  assert.throws(() => readDockerfile(`FROM \${X}`), /nothing says what X is/);
  assert.throws(() => readDockerfile('RUN true'), /before FROM/);
  const [stage] = readDockerfile(
    `${from}# a comment\nRUN one \\\n# in between\n && two\nENV A=1 B=2`,
  );
  assert.deepEqual(stage?.steps, [{ instruction: 'RUN', text: 'one  && two' }]);
});

test('the package holds what runs and what its addon is built from, and nothing else', async () => {
  const args = ['pack', '--dry-run', '--json', '--ignore-scripts'];
  const { stdout } = await run('npm', args, { cwd: ROOT, maxBuffer: 1e8 });
  const [{ files, unpackedSize }] = JSON.parse(stdout);
  const paths: string[] = files.map(({ path }: { path: string }) => path);
  const needed = [
    'dist/src/main.js',
    'dist/src/dashboard/page.html',
    'binding.gyp',
    'native/build.mjs',
  ];
  for (const path of [...needed, 'README.md', 'LICENSE']) assert.ok(paths.includes(path), path);
  const allowed =
    /^(dist\/(src|bench)\/|native\/(?!test\/)|[A-Z]+\.md$|LICENSE$|package\.json$|binding\.gyp$)/;
  assert.deepEqual(
    paths.filter((path) => !allowed.test(path)),
    [],
  );
  assert.ok(unpackedSize < 12e6, `${unpackedSize} bytes`);
});
