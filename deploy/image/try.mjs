// `npm run image:check`: runs the Dockerfile's steps on a bare Debian and starts the result as a pod would,
// on a machine without a container engine. Needs root, debootstrap and the registries of Debian and npm.
//
// The base image is what `node:22-trixie-slim` is: a minimal Debian 13, and Node with npm in /usr/local. It
// stays in WARMPATH_IMAGE_FOLDER (default: warmpath-image in the temporary folder) for the next time.
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { contextFiles, readCopy, readDockerfile } from './dockerfile.mjs';

const DEBIAN_MIRROR = 'http://deb.debian.org/debian';
const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';
/** Characters of a failed step's output that are shown. */
const LOG_TAIL = 8000;
const repository = fileURLToPath(new URL('../../', import.meta.url));
const folder = process.env.WARMPATH_IMAGE_FOLDER ?? join(tmpdir(), 'warmpath-image');

if (process.getuid?.() !== 0) throw new Error('a bare system is made and entered as root only');
const started = Date.now();
const stages = readDockerfile(readFileSync(join(repository, 'Dockerfile'), 'utf8'));
const roots = new Map();
for (const [i, { base, name, steps, config }] of stages.entries()) {
  say(`stage ${name ?? i + 1} from ${base}`);
  const root = join(folder, `stage-${name ?? i + 1}`);
  rmSync(root, { recursive: true, force: true });
  copyRoot(roots.get(base) ?? baseRoot(base), root);
  for (const { instruction, text } of steps) {
    const startMs = Date.now();
    if (instruction === 'RUN') inRoot(root, config.env, ['/bin/sh', '-c', text]);
    else copy(root, readCopy(text));
    const seconds = Math.round((Date.now() - startMs) / 1000);
    say(`${instruction} ${text.replaceAll(/\s+/g, ' ')} (${seconds} s)`);
  }
  roots.set(name ?? String(i + 1), root);
}
const [root] = [...roots.values()].slice(-1);
writeFileSync(join(folder, 'config.json'), JSON.stringify(stages.at(-1).config));
say(`built in ${Math.round((Date.now() - started) / 1000)} s; starting it`);
const start = fileURLToPath(new URL('start.mjs', import.meta.url));
// Its own network, mounts and processes: nothing of it stays, and no port of this machine is taken.
const spaces = ['--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc'];
run('unshare', [...spaces, process.execPath, start, root, join(folder, 'config.json')]);

function say(text) {
  console.log(`== ${text}`);
}

function run(command, args, options = {}) {
  execFileSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'], ...options });
}

function copyRoot(from, to) {
  run('cp', ['-a', '--reflink=auto', from, to]);
}

function copy(root, { from, sources, target }) {
  for (const source of sources) {
    if (from !== null) {
      const content = join(roots.get(from), source);
      mkdirSync(join(root, target), { recursive: true });
      run('cp', ['-a', `${content}/.`, join(root, target)]);
      continue;
    }
    if (source !== '.') throw new Error(`COPY ${source}: only the whole context is copied`);
    for (const path of contextFiles(repository)) {
      const file = join(root, target, path);
      mkdirSync(dirname(file), { recursive: true });
      cpSync(join(repository, path), file);
    }
  }
}

/** Runs a command of the build: as root, in a system of its own. */
function inRoot(root, env, command) {
  const spaces = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const passed = Object.entries(process.env).filter(([key]) => /^(https?|no)_proxy$/i.test(key));
  const environment = { ...Object.fromEntries(passed), ...env, HOME: '/root' };
  environment.PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
  environment.DEBIAN_FRONTEND = 'noninteractive';
  // A network that shows certificates of its own making is trusted there as it is here.
  if (existsSync(join(root, CERTIFICATES))) environment.NODE_EXTRA_CA_CERTS = CERTIFICATES;
  const log = openSync(join(folder, 'build.log'), 'w');
  try {
    const stdio = ['ignore', log, log];
    run('unshare', [...spaces, `--root=${root}`, '--wd=/', ...command], {
      env: environment,
      stdio,
    });
  } catch (failure) {
    console.error(readFileSync(join(folder, 'build.log'), 'utf8').slice(-LOG_TAIL));
    throw failure;
  } finally {
    closeSync(log);
  }
}

/** A Debian with Node, made once. */
function baseRoot(image) {
  const [, version, release] = /^node:(\d+)-([a-z]+)-slim(?:@|$)/.exec(image) ?? [];
  if (release === undefined) throw new Error(`what ${image} is made of is not known here`);
  const made = join(folder, `node-${version}-${release}`);
  if (existsSync(made)) return made;
  const work = `${made}.part`;
  rmSync(work, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  say(`debootstrap ${release}`);
  const log = { stdio: ['ignore', 'ignore', 'inherit'] };
  run('debootstrap', ['--variant=minbase', release, work, DEBIAN_MIRROR], log);
  say(`Node ${version} and npm, as packages of npm's registry`);
  const arch = process.arch;
  unpack(`node-linux-${arch}@${version}`, join(work, 'usr/local'));
  unpack('npm@10', join(work, 'usr/local/lib/node_modules/npm'));
  for (const tool of ['npm', 'npx']) {
    const link = join(work, 'usr/local/bin', tool);
    run('ln', ['-sf', `../lib/node_modules/npm/bin/${tool}-cli.js`, link]);
  }
  mkdirSync(dirname(join(work, CERTIFICATES)), { recursive: true });
  cpSync(CERTIFICATES, join(work, CERTIFICATES), { dereference: true });
  cpSync('/etc/resolv.conf', join(work, 'etc/resolv.conf'), { dereference: true });
  // How this machine reaches the registry, but not where its Node has its headers.
  const settings = join(homedir(), '.npmrc');
  if (existsSync(settings)) {
    const lines = readFileSync(settings, 'utf8').split('\n');
    const kept = lines.filter((line) => !line.startsWith('nodedir'));
    writeFileSync(join(work, 'root/.npmrc'), kept.join('\n'));
  }
  renameSync(work, made);
  return made;
}

function unpack(name, target) {
  mkdirSync(target, { recursive: true });
  const packed = execFileSync('npm', ['pack', '--silent', name], { cwd: folder, encoding: 'utf8' });
  const file = join(folder, packed.trim().split('\n').at(-1) ?? '');
  run('tar', ['-xzf', file, '--strip-components=1', '-C', target]);
  rmSync(file);
}
