import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { FileSource } from '../../src/discovery/file-source.js';
import { waitFor } from '../support/wait-for.js';
import { WantedList } from '../support/wanted-list.js';

function stage(context: TestContext, name = 'endpoints.yaml') {
  const folder = mkdtempSync(join(tmpdir(), 'warmpath-file-'));
  const path = join(folder, name);
  const list = new WantedList();
  const start = () => {
    const source = new FileSource({ path, intervalMs: 5 }, list);
    context.after(() => source.close());
  };
  context.after(() => rmSync(folder, { recursive: true }));
  return { folder, path, list, start };
}

const names = (list: WantedList, expected: string) =>
  waitFor(`endpoints ${expected}`, () => list.names === expected);

test('a file that is rewritten is read again, and only then', async (t) => {
  const { path, list, start } = stage(t);
  writeFileSync(path, 'endpoints: [{ url: "http://10.0.0.1:8000" }]');
  start();
  await names(list, '10.0.0.1:8000');
  writeFileSync(
    path,
    'endpoints:\n  - { name: a, url: "http://10.0.0.1:8000", id: x, kvEvents: "tcp://10.0.0.1:5557" }\n  - { name: b, url: "http://10.0.0.2:8000", draining: true }\n',
  );
  await names(list, 'a b!');
  assert.deepEqual(list.last[0], {
    name: 'a',
    url: 'http://10.0.0.1:8000',
    kvEvents: 'tcp://10.0.0.1:5557',
    kvReplay: null,
    dataParallelRank: null,
    identity: 'x',
    draining: false,
  });
  assert.equal(list.lists.length, 2);
});

test('a mistake in the file is named with its line, and the last list holds', async (t) => {
  const { path, list, start } = stage(t);
  writeFileSync(path, 'endpoints: [{ name: a, url: "http://10.0.0.1:8000" }]');
  start();
  await names(list, 'a');
  writeFileSync(path, 'endpoints:\n  - { name: a, urls: "http://10.0.0.1:8000" }\n');
  await waitFor('a failure', () => list.failures.length > 0);
  assert.match(list.failures[0] ?? '', /endpoints\.yaml:2.*endpoints\[0\]\.urls: unknown key/);
  assert.equal(list.names, 'a');
  rmSync(path);
  await waitFor('another failure', () => /ENOENT/.test(list.failures.at(-1) ?? ''));
  assert.equal(list.names, 'a');
});

test('a mounted ConfigMap, whose folder is exchanged as a whole, is followed', async (t) => {
  const { folder, path, list, start } = stage(t);
  const write = (version: string, name: string) => {
    mkdirSync(join(folder, version));
    const text = `endpoints: [{ name: ${name}, url: "http://10.0.0.1:8000" }]`;
    writeFileSync(join(folder, version, 'endpoints.yaml'), text);
    symlinkSync(version, join(folder, `new-${version}`));
    renameSync(join(folder, `new-${version}`), join(folder, '..data'));
  };
  write('v1', 'a');
  symlinkSync('..data/endpoints.yaml', path);
  start();
  await names(list, 'a');
  write('v2', 'b');
  await names(list, 'b');
});
