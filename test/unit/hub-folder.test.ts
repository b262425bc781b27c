// hf://org/repo@revision against a hub of our own.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { hubFolder } from '../../src/tokenizer/hub-folder.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const COMMIT = '0123456789abcdef0123456789abcdef01234567';

/** A hub with these files, and what it was asked. */
async function hub(context: TestContext, files: Readonly<Record<string, string>>) {
  const asked: string[] = [];
  const tokens = new Set<string | undefined>();
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    tokens.add(request.headers.authorization);
    const text = files[request.url ?? ''];
    response.writeHead(text === undefined ? 404 : 200).end(text ?? '');
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  context.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  return { asked, tokens, HF_ENDPOINT: `http://127.0.0.1:${port}` };
}

const repository = (path: string) => ({
  [`${path}/tokenizer.json`]: '{"of":"hub"}',
  [`${path}/tokenizer_config.json`]: '{}',
  [`${path}/chat_template.jinja`]: 'x',
});

test('the files of a repository come to a folder, those it has not are left out', async (context) => {
  const { HF_ENDPOINT, tokens } = await hub(context, repository('/org/one/resolve/main'));
  const HF_HOME = temporaryFolder();
  const folder = await hubFolder('hf://org/one', { HF_ENDPOINT, HF_HOME, HF_TOKEN: 'hf_1' });
  assert.equal(readFileSync(join(folder, 'tokenizer.json'), 'utf8'), '{"of":"hub"}');
  assert.ok(existsSync(join(folder, 'chat_template.jinja')));
  assert.ok(!existsSync(join(folder, 'config.json')));
  assert.ok(folder.startsWith(HF_HOME));
  assert.deepEqual([...tokens], ['Bearer hf_1']);
});

test('a commit that is here is not asked for, and a branch once a process', async (context) => {
  const files = {
    ...repository(`/org/two/resolve/${COMMIT}`),
    ...repository('/org/two/resolve/b%2F1'),
  };
  const { HF_ENDPOINT, asked } = await hub(context, files);
  const environment = { HF_ENDPOINT, HF_HOME: temporaryFolder() };
  const here = join(environment.HF_HOME, 'warmpath', `org--two@${COMMIT}`);
  mkdirSync(here, { recursive: true });
  for (const file of ['tokenizer.json', 'tokenizer_config.json'])
    writeFileSync(join(here, file), '{}');
  assert.equal(await hubFolder(`hf://org/two@${COMMIT}`, environment), here);
  assert.deepEqual(asked, []);
  const branch = await hubFolder('hf://org/two@b/1', environment);
  const before = asked.length;
  assert.equal(await hubFolder('hf://org/two@b/1', environment), branch);
  assert.equal(asked.length, before);
});

test('without the hub, what an engine of this machine has fetched is used', async () => {
  const HF_HOME = temporaryFolder();
  const place = join(HF_HOME, 'hub', 'models--org--three');
  const snapshot = join(place, 'snapshots', COMMIT);
  mkdirSync(snapshot, { recursive: true });
  mkdirSync(join(place, 'refs'));
  writeFileSync(join(place, 'refs', 'main'), COMMIT);
  for (const file of ['tokenizer.json', 'tokenizer_config.json'])
    writeFileSync(join(snapshot, file), '{}');
  const environment = { HF_HOME, HF_ENDPOINT: 'http://127.0.0.1:1' };
  assert.equal(await hubFolder('hf://org/three', environment), snapshot);
});

test('what cannot be had is an error that names place, reason and cure', async (context) => {
  const { HF_ENDPOINT } = await hub(context, {});
  const environment = { HF_ENDPOINT, HF_HOME: temporaryFolder() };
  await assert.rejects(
    hubFolder('hf://org/none', environment),
    /tokenizer: hf:\/\/org\/none cannot be fetched: .*\/org\/none\/resolve\/main\/tokenizer.json answers 404; HF_TOKEN/,
  );
  await assert.rejects(hubFolder('hf://none', environment), /hf:\/\/none is not hf:\/\/org\/repo/);
  await assert.rejects(hubFolder('hf://../..', environment), /is not hf:\/\/org\/repo/);
});
