import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { parseConfig } from '../../src/config/config.js';
import { DnsSource } from '../../src/discovery/dns-source.js';
import { waitFor } from '../support/wait-for.js';
import { WantedList } from '../support/wanted-list.js';

type Answer = readonly string[] | Error;

function follow(context: TestContext, answers: { now: Answer }, keys: object = {}): WantedList {
  const dns = { host: 'vllm.llm.svc', kvEventsPort: 5557, intervalMs: 100, ...keys };
  const models = [{ name: 'm', tokenizer: 't', endpoints: { dns } }];
  const [config] = parseConfig(JSON.stringify({ models }), 'x').config.models[0]?.sources ?? [];
  assert.ok(config?.kind === 'dns');
  const list = new WantedList();
  const source = new DnsSource({ ...config, intervalMs: 5 }, list, async (host) => {
    assert.equal(host, 'vllm.llm.svc');
    if (answers.now instanceof Error) throw answers.now;
    return answers.now;
  });
  context.after(() => source.close());
  return list;
}

const failure = (code: string) => Object.assign(new Error(`getaddrinfo ${code}`), { code });

test('every address of the name is an engine, in any order and of both families', async (t) => {
  const answers: { now: Answer } = { now: ['10.0.0.2', 'fd00::1', '10.0.0.1', '10.0.0.2'] };
  const list = follow(t, answers);
  await waitFor('a list', () => list.lists.length > 0);
  assert.equal(list.names, '10.0.0.1:8000 10.0.0.2:8000 [fd00::1]:8000');
  assert.deepEqual(
    list.last.map(({ url, kvEvents }) => [url, kvEvents]),
    [
      ['http://10.0.0.1:8000', 'tcp://10.0.0.1:5557'],
      ['http://10.0.0.2:8000', 'tcp://10.0.0.2:5557'],
      ['http://[fd00::1]:8000', 'tcp://[fd00::1]:5557'],
    ],
  );
});

test('a resolver that fails changes nothing, however often', async (t) => {
  const answers: { now: Answer } = { now: ['10.0.0.1'] };
  const list = follow(t, answers);
  await waitFor('a list', () => list.lists.length > 0);
  answers.now = failure('EAI_AGAIN');
  await waitFor('failures', () => list.failures.length > 5);
  assert.equal(list.names, '10.0.0.1:8000');
  answers.now = ['10.0.0.3'];
  await waitFor('the new address', () => list.names === '10.0.0.3:8000');
});

test('a name that is gone is believed the third time', async (t) => {
  const answers: { now: Answer } = { now: ['10.0.0.1'] };
  const list = follow(t, answers);
  await waitFor('a list', () => list.lists.length > 0);
  answers.now = failure('ENOTFOUND');
  await waitFor('an empty list', () => list.names === '');
  assert.equal(list.failures.length, 2);
});

test('the system resolves localhost', async (t) => {
  const models = [{ name: 'm', tokenizer: 't', endpoints: { dns: { host: 'localhost' } } }];
  const [config] = parseConfig(JSON.stringify({ models }), 'x').config.models[0]?.sources ?? [];
  assert.ok(config?.kind === 'dns');
  const list = new WantedList();
  const source = new DnsSource(config, list);
  t.after(() => source.close());
  await waitFor('a list', () => list.lists.length > 0);
  assert.match(list.names, /127\.0\.0\.1:8000|\[::1\]:8000/);
});
