// Loads uWebSockets.js; the package's only importer.
//
// Its Linux binaries ask for glibc 2.38. From there on the package is required as it is. On 2.36 and
// 2.37 a copy with that need marked weak (native/compat/patch-uws.mjs) is loaded after a small addon
// that brings the three missing symbols. The order matters: without the symbols the dynamic linker
// does not throw, it ends the process.

import type { HttpResponse, TemplatedApp, us_listen_socket } from 'uWebSockets.js';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigError } from '../errors.js';

/** What the package's own types lack: a host together with options. */
export interface UwsApp extends TemplatedApp {
  listen(
    host: string,
    port: number,
    options: number,
    callback: (socket: us_listen_socket | false) => void,
  ): TemplatedApp;
  listen(...never: never[]): TemplatedApp;
  /** Names an app to another one, which then deals it connections. */
  getDescriptor(): UwsDescriptor;
  addChildAppDescriptor(descriptor: UwsDescriptor): void;
  removeChildAppDescriptor(descriptor: UwsDescriptor): void;
}

/** Only ever handed back: the package tells no type. */
export type UwsDescriptor = unknown;

export type UwsResponse = HttpResponse;
export type UwsListenSocket = us_listen_socket;

export interface UWebSockets {
  App(): UwsApp;
  /** Throws where the files are no certificate and its key. */
  SSLApp(options: { readonly cert_file_name: string; readonly key_file_name: string }): UwsApp;
  us_listen_socket_close(socket: us_listen_socket): void;
  us_socket_local_port(socket: us_listen_socket): number;
  /** Without it every listener sets SO_REUSEPORT, and two routers would share a port unnoticed. */
  readonly LIBUS_LISTEN_EXCLUSIVE_PORT: number;
  /** `silent` leaves out the `uWebSockets` response header. */
  _cfg(option: 'silent'): void;
}

/** Bytes of one request's head. uWebSockets.js reads this variable when its binary is loaded; its own
 * default, 4 KiB, is too small for a cookie beside a large bearer token. */
const HEADERS_MAX_BYTES = 64 * 1024;

const CURE =
  'use an image with glibc 2.38 or newer (Debian 13, Ubuntu 24.04), or the node:http front end';

const require = createRequire(import.meta.url);
const projectRoot = fileURLToPath(new URL('../../../', import.meta.url));

/** Whether the package ships a binary for this machine at all; musl and other Node ABIs have none. */
export function hasUWebSocketsBinary(): boolean {
  if (process.platform === 'linux' && glibcVersion() === null) return false;
  return existsSync(join(packageFolder(), binaryName()));
}

let loaded: UWebSockets | null = null;

/** Loads the binary, once per thread. Throws ConfigError naming the cure where it must not be used. */
export function loadUWebSockets(): UWebSockets {
  if (loaded !== null) return loaded;
  process.env['UWS_HTTP_MAX_HEADERS_SIZE'] ??= String(HEADERS_MAX_BYTES);
  const glibc = process.platform === 'linux' ? glibcVersion() : null;
  const uws = glibc !== null && !isAtLeast(glibc, 2, 38) ? loadPatched(glibc) : loadPackage();
  uws._cfg('silent');
  loaded = uws;
  return uws;
}

function loadPackage(): UWebSockets {
  return require('uWebSockets.js');
}

function loadPatched(glibc: string): UWebSockets {
  const name = binaryName();
  if (!isAtLeast(glibc, 2, 36)) {
    throw new ConfigError(`uWebSockets.js does not run on glibc ${glibc}: ${CURE}`);
  }
  const original = join(packageFolder(), name);
  const known = knownBinaries()[name];
  const isKnown = existsSync(original) && sha256(original) === known?.sha256;
  if (known?.weakened === undefined || !isKnown) {
    throw new ConfigError(
      `${original} is not the binary that native/compat/uws-binaries.json lists ` +
        `and is not loaded on glibc ${glibc}: reinstall with "npm ci", ${CURE}`,
    );
  }
  const copy = join(projectRoot, 'build', 'uws', name);
  const symbols = join(projectRoot, 'build', 'Release', 'glibc_compat.node');
  if (!existsSync(symbols) || !existsSync(copy) || sha256(copy) !== known.weakened) {
    throw new ConfigError(
      `the copy of uWebSockets.js for glibc ${glibc} is missing or damaged (${copy}): ` +
        'run "npm run build" in the project',
    );
  }
  open(symbols, constants.dlopen.RTLD_NOW | constants.dlopen.RTLD_GLOBAL);
  return open<UWebSockets>(copy, constants.dlopen.RTLD_NOW);
}

function open<Exports>(file: string, flags: number): Exports {
  const module: { exports: unknown } = { exports: {} };
  process.dlopen(module, file, flags);
  // The addon's shape cannot be checked; its sha256 just was.
  return module.exports as Exports;
}

function knownBinaries(): Record<string, { sha256: string; weakened?: string }> {
  const list = join(projectRoot, 'native', 'compat', 'uws-binaries.json');
  return JSON.parse(readFileSync(list, 'utf8')).binaries;
}

function packageFolder(): string {
  return dirname(require.resolve('uWebSockets.js'));
}

function binaryName(): string {
  return `uws_${process.platform}_${process.arch}_${process.versions.modules}.node`;
}

function sha256(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

/** Version of the C library this process runs on, such as `2.36`; null on musl. */
function glibcVersion(): string | null {
  // Node's types of version 20 lack `excludeNetwork`.
  const report: NodeJS.ProcessReport & { excludeNetwork?: boolean } = process.report;
  // A report names the peers of open sockets, which asks DNS and can take seconds.
  const excludeNetwork = report.excludeNetwork ?? false;
  report.excludeNetwork = true;
  const { header }: { header?: { glibcVersionRuntime?: unknown } } = report.getReport();
  report.excludeNetwork = excludeNetwork;
  const version = header?.glibcVersionRuntime;
  return typeof version === 'string' ? version : null;
}

function isAtLeast(version: string, major: number, minor: number): boolean {
  const [ownMajor = 0, ownMinor = 0] = version.split('.').map(Number);
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}
