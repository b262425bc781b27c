import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { ModelConfig, SourceConfig } from '../../src/config/config.js';
import { parseConfig } from '../../src/config/config.js';
import { Discovery } from '../../src/discovery/discovery.js';
import type { SourceListener } from '../../src/discovery/endpoint-source.js';
import type { WantedEndpoint } from '../../src/endpoint/endpoint.js';
import { setLogLevel } from '../../src/log.js';

setLogLevel('error');

interface Opened {
  readonly config: SourceConfig;
  readonly listener: SourceListener;
  readonly qualified: boolean;
  closed: boolean;
}

function stage(context: TestContext) {
  const opened: Opened[] = [];
  const applied = new Map<string, string>();
  const discovery = new Discovery({
    apply: (model, endpoints) => {
      applied.set(model, endpoints.map(({ name }) => name).join(' '));
    },
    random: () => 0,
    open: (config, { qualified }, listener) => {
      const one: Opened = { config, listener, qualified, closed: false };
      opened.push(one);
      return {
        close() {
          one.closed = true;
        },
      };
    },
  });
  context.after(() => discovery.close());
  return { opened, applied, discovery };
}

function models(...endpoints: object[]): readonly ModelConfig[] {
  const named = endpoints.map((one, i) => ({ name: `m${i}`, tokenizer: 't', endpoints: one }));
  return parseConfig(JSON.stringify({ models: named }), 'x').config.models;
}

const wanted = (...names: string[]): WantedEndpoint[] =>
  names.map((name) => {
    const none = { kvEvents: null, kvReplay: null, dataParallelRank: null, identity: null };
    return { name, url: `http://${name}:8000`, ...none, draining: false };
  });

const FIXED = [{ name: 'fixed', url: 'http://fixed:8000' }];
const OTHER = [{ name: 'other', url: 'http://other:8000' }];
const DNS = { host: 'vllm' };

test('a model has its fixed endpoints and those of every source', (t) => {
  const { opened, applied, discovery } = stage(t);
  discovery.follow(models({ static: FIXED, dns: DNS, file: { path: 'e' } }, { static: OTHER }));
  assert.equal(applied.get('m0'), 'fixed');
  assert.equal(applied.get('m1'), 'other');
  opened[0]?.listener.list(wanted('a', 'b'));
  opened[1]?.listener.list(wanted('c'));
  assert.equal(applied.get('m0'), 'fixed a b c');
  opened[0]?.listener.list(wanted('b'));
  assert.equal(applied.get('m0'), 'fixed b c');
});

test('a source that fails keeps what it told, and says so once a reason', (t) => {
  const { opened, applied, discovery } = stage(t);
  discovery.follow(models({ dns: DNS }));
  const [source] = opened;
  source?.listener.failed('down');
  assert.deepEqual(discovery.states, [
    { model: 'm0', kind: 'dns', endpoints: 0, failure: 'down', told: false, failures: 1 },
  ]);
  source?.listener.list(wanted('a'));
  source?.listener.failed('down again');
  assert.equal(applied.get('m0'), 'a');
  assert.deepEqual(discovery.states[0]?.failure, 'down again');
  source?.listener.list(wanted('a'));
  assert.equal(discovery.states[0]?.failure, null);
});

test('a new configuration keeps the sources that stay, and their endpoints', (t) => {
  const { opened, applied, discovery } = stage(t);
  discovery.follow(models({ dns: DNS, file: { path: 'e' } }, { dns: { host: 'gone' } }));
  for (const [i, { listener }] of opened.entries()) listener.list(wanted(`e${i}`));
  discovery.follow(models({ static: FIXED, dns: DNS }));
  assert.deepEqual(
    opened.map(({ closed }) => closed),
    [false, true, true],
  );
  assert.equal(applied.get('m0'), 'fixed e0');
  opened[1]?.listener.list(wanted('late'));
  assert.equal(applied.get('m0'), 'fixed e0');
});

test('what a source told stays until the one in its place has told', (t) => {
  const { opened, applied, discovery } = stage(t);
  discovery.follow(models({ dns: DNS }));
  opened[0]?.listener.list(wanted('a', 'b'));
  discovery.follow(models({ dns: { ...DNS, port: 9000 } }));
  assert.equal(applied.get('m0'), 'a b');
  opened[1]?.listener.failed('not yet');
  opened[1]?.listener.list(wanted('b', 'c'));
  assert.equal(applied.get('m0'), 'b c');
});

test('names carry the namespace only where there are several', (t) => {
  const { opened, discovery } = stage(t);
  const kubernetes = (namespace: string) => ({ kubernetes: { namespace, selector: 'a=b' } });
  discovery.follow(models(kubernetes('x'), kubernetes('x')));
  assert.deepEqual(
    opened.map(({ qualified }) => qualified),
    [false, false],
  );
  discovery.follow(models(kubernetes('x'), kubernetes('y')));
  assert.deepEqual(
    opened.map(({ qualified, closed }) => [qualified, closed]),
    [
      [false, true],
      [false, true],
      [true, false],
      [true, false],
    ],
  );
});

test('the first answer of every source is waited for, but not for ever', async (t) => {
  const { opened, discovery } = stage(t);
  discovery.follow(models({ dns: DNS, file: { path: 'e' } }));
  let over = false;
  const first = discovery.first(60_000).then(() => {
    over = true;
  });
  opened[0]?.listener.list([]);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(over, false);
  opened[1]?.listener.failed('no such file');
  await first;
  discovery.follow(models({ dns: { host: 'silent' } }));
  await discovery.first(5);
});
