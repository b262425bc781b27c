import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, mock, test } from 'node:test';
import { ConfigError } from '../../src/errors.js';

interface BinaryList {
  readonly package: string;
  readonly binaries: Record<string, { sha256: string; weakened?: string }>;
}

const root = new URL('../../../', import.meta.url);
const listed: BinaryList = JSON.parse(
  readFileSync(new URL('native/compat/uws-binaries.json', root), 'utf8'),
);
const folder = dirname(createRequire(import.meta.url).resolve('uWebSockets.js'));
const patcher: { weakenGlibcNeed(original: Uint8Array): Uint8Array } = await import(
  new URL('native/compat/patch-uws.mjs', root).href
);

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

describe('the list of uWebSockets.js binaries', () => {
  test('names every shipped binary with its sha256', () => {
    const shipped = readdirSync(folder).filter((name) => name.endsWith('.node'));
    assert.deepEqual(shipped.toSorted(), Object.keys(listed.binaries).toSorted());
    for (const name of shipped) {
      assert.equal(sha256(readFileSync(join(folder, name))), listed.binaries[name]?.sha256, name);
    }
    const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    assert.equal(listed.package, `@btc-vision/uwebsockets.js@${version}`);
  });

  test('a derived copy differs from its original in one bit and is the listed one', () => {
    const linux = Object.keys(listed.binaries).filter((name) => name.includes('linux'));
    assert.equal(linux.length, 8);
    for (const name of linux) {
      const original = readFileSync(join(folder, name));
      const copy = patcher.weakenGlibcNeed(original);
      const changed: number[] = [];
      for (let at = original.indexOf(0); at < original.length; at++) {
        if (original[at] !== copy[at]) changed.push(at);
      }
      assert.equal(changed.length, 1, name);
      assert.equal(original[changed[0] ?? 0], 0);
      assert.equal(copy[changed[0] ?? 0], 2);
      assert.equal(sha256(copy), listed.binaries[name]?.weakened, name);
    }
  });

  test('a file that is no such binary is not patched', () => {
    assert.throws(() => patcher.weakenGlibcNeed(Buffer.alloc(100)), /not a 64-bit/);
    assert.throws(() => patcher.weakenGlibcNeed(Buffer.from('\x7fELF')), /not a 64-bit/);
    const once = patcher.weakenGlibcNeed(readFileSync(join(folder, 'uws_linux_x64_115.node')));
    const without = Buffer.from(once);
    without.write('GLIBC_2.99', without.indexOf('GLIBC_2.38'), 'latin1');
    assert.throws(() => patcher.weakenGlibcNeed(without), /found 0/);
  });
});

describe('loading uWebSockets.js', { skip: process.platform !== 'linux' }, () => {
  /** A fresh copy of the loader that believes to be on this version of glibc. */
  async function loaderOn(glibc: string | undefined) {
    const report = mock.method(process.report, 'getReport', () => ({
      header: { glibcVersionRuntime: glibc },
    }));
    const specifier = `../../src/http/uwebsockets.js?glibc=${glibc}`;
    const loader: typeof import('../../src/http/uwebsockets.js') = await import(specifier);
    return { ...loader, [Symbol.dispose]: () => report.mock.restore() };
  }

  test('glibc below 2.36 is refused with the cure, and 2.9 is below', async () => {
    for (const version of ['2.35', '2.9', '1.99']) {
      using loader = await loaderOn(version);
      assert.equal(loader.hasUWebSocketsBinary(), true);
      assert.throws(
        () => loader.loadUWebSockets(),
        (error) =>
          error instanceof ConfigError &&
          error.message.includes(version) &&
          /glibc 2\.38 or newer .*node:http/.test(error.message),
      );
    }
  });

  test('another C library has no binary, so that the node:http server is taken', async () => {
    using loader = await loaderOn(undefined);
    assert.equal(loader.hasUWebSocketsBinary(), false);
  });

  test('this machine loads it, once', async () => {
    const loader = await import('../../src/http/uwebsockets.js');
    const uws = loader.loadUWebSockets();
    assert.equal(typeof uws.App, 'function');
    assert.equal(loader.loadUWebSockets(), uws);
  });
});
