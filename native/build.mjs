// Builds the addon without reaching for the network. Called by npm's install script, so it must be
// quick when nothing changed: a stamp over the sources and the Node ABI decides.
//
// Where node-gyp finds headers, in this order: npm_config_nodedir, the folder two levels above the
// node executable, or a folder made from the node-api-headers package.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { patchForThisMachine } from './compat/patch-uws.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const require = createRequire(import.meta.url);
const stampFile = join(root, 'build', 'warmpath.stamp');
const addonFile = join(root, 'build', 'Release', 'warmpath.node');

function sourceStamp() {
  const hash = createHash('sha256').update(`${process.arch} ${process.platform}\n`);
  const files = ['core', 'addon', 'compat']
    .flatMap((folder) =>
      readdirSync(join(root, 'native', folder)).map((name) => join('native', folder, name)),
    )
    .sort();
  for (const file of [...files, 'binding.gyp']) {
    hash.update(`${file}\n`).update(readFileSync(join(root, file)));
  }
  return hash.digest('hex');
}

function headersFolder() {
  const installed = dirname(dirname(process.execPath));
  const candidates = [process.env.npm_config_nodedir, installed].filter(
    (folder) => folder !== undefined,
  );
  const found = candidates.find((folder) =>
    existsSync(join(folder, 'include', 'node', 'node_api.h')),
  );
  if (found !== undefined) return found;

  // Node-API headers are all the addon includes; node-gyp only wants a common.gypi beside them.
  const made = join(root, 'node_modules', '.cache', 'warmpath-headers');
  const target = join(made, 'include', 'node');
  mkdirSync(target, { recursive: true });
  cpSync(require('node-api-headers').include_dir, target, { recursive: true });
  writeFileSync(
    join(target, 'common.gypi'),
    JSON.stringify({
      target_defaults: {
        default_configuration: 'Release',
        configurations: { Release: {}, Debug: {} },
        conditions: [["OS=='linux'", { cflags: ['-fPIC'], ldflags: ['-pthread'] }]],
      },
    }),
  );
  return made;
}

const stamp = sourceStamp();
if (existsSync(addonFile) && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) {
  patchForThisMachine(root);
  process.exit(0);
}

process.stderr.write('warmpath: building the native addon (about 20 s)\n');
const gyp = require.resolve('node-gyp/bin/node-gyp.js');
const built = spawnSync(
  process.execPath,
  [gyp, 'rebuild', '--jobs=max', `--nodedir=${headersFolder()}`],
  { cwd: root, encoding: 'utf8', env: { ...process.env, npm_config_loglevel: 'warn' } },
);
if (built.status !== 0) {
  process.stderr.write(`${built.stdout}${built.stderr}${built.error ?? ''}\n`);
  process.stderr.write(
    'warmpath: the addon did not build. It needs g++ (12 or newer), make and python3: apt-get install g++ make python3\n',
  );
  process.exit(1);
}
writeFileSync(stampFile, stamp);
// After node-gyp, which wipes build/.
patchForThisMachine(root);
