import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type { PeerLoad } from '../../src/endpoint/endpoint.js';
import { LoadExchange, type LoadReport } from '../../src/replica/load-exchange.js';
import { PeerList } from '../../src/replica/peer-list.js';
import { waitFor } from '../support/wait-for.js';

const SLOTS = new Map([
  ['a', 3],
  ['b', 5],
]);

/** An exchange that asks these peers; what they answer may be changed. */
function exchangeOf(t: TestContext, answers: Map<string, unknown>) {
  let loads: ReadonlyMap<number, PeerLoad> = new Map();
  const exchange = new LoadExchange({
    peers: new PeerList([...answers.keys()], 0),
    client: {
      load: async ({ url }) => {
        const answer = answers.get(url);
        if (answer === undefined) throw new Error('nobody there');
        return answer;
      },
    },
    instance: 'me',
    intervalMs: 10,
    slots: () => SLOTS,
    onLoads: (sums) => {
      loads = sums;
    },
  });
  t.after(() => exchange.close());
  return { exchange, loads: () => loads };
}

const report = (instance: string, ...endpoints: LoadReport['endpoints']): LoadReport => ({
  instance,
  endpoints,
});

test('loads of all peers are added up by endpoint', async (t) => {
  const { loads, exchange } = exchangeOf(
    t,
    new Map<string, unknown>([
      ['http://10.0.0.1:1', report('x', ['a', 2, 100], ['b', 1, 0])],
      ['http://10.0.0.2:1', report('y', ['a', 3, 50], ['elsewhere', 9, 9])],
    ]),
  );
  await waitFor('both', () => loads().get(3)?.requests === 5);
  assert.deepEqual(loads().get(3), { requests: 5, tokens: 150 });
  assert.deepEqual(loads().get(5), { requests: 1, tokens: 0 });
  assert.equal(loads().size, 2);
  assert.equal(exchange.peerCount, 2);
});

test('itself and a peer known under two addresses count once at most', async (t) => {
  const { loads } = exchangeOf(
    t,
    new Map<string, unknown>([
      ['http://10.0.0.1:1', report('me', ['a', 100, 0])],
      ['http://10.0.0.2:1', report('y', ['a', 3, 50])],
      ['http://10.0.0.3:1', report('y', ['a', 3, 50])],
    ]),
  );
  await waitFor('the peer', () => loads().get(3) !== undefined);
  assert.deepEqual(loads().get(3), { requests: 3, tokens: 50 });
});

test('the load of a peer that has gone silent expires', async (t) => {
  const answers = new Map<string, unknown>([['http://10.0.0.1:1', report('x', ['a', 2, 100])]]);
  const { loads } = exchangeOf(t, answers);
  await waitFor('its load', () => loads().get(3)?.requests === 2);
  answers.set('http://10.0.0.1:1', undefined);
  await waitFor('nothing', () => loads().size === 0);
});

test('an answer that is no load report changes nothing', async (t) => {
  const answers = new Map<string, unknown>([
    ['http://10.0.0.1:1', { instance: 'x', endpoints: [['a', -1, 0], ['a', 'many', 0], 7, null] }],
    ['http://10.0.0.2:1', 'hello'],
    ['http://10.0.0.3:1', null],
    ['http://10.0.0.4:1', report('y', ['b', 1, 1])],
  ]);
  const { loads } = exchangeOf(t, answers);
  await waitFor('the good one', () => loads().get(5) !== undefined);
  assert.equal(loads().size, 1);
});
