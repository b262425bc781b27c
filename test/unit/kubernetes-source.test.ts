import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { parseConfig } from '../../src/config/config.js';
import type { WatchTiming } from '../../src/discovery/kube-watch.js';
import { KubernetesSource } from '../../src/discovery/kubernetes-source.js';
import { setLogLevel } from '../../src/log.js';
import { KubeApiServer } from '../support/kube-api-server.js';
import { PODS, POOLS, pod, SLICES } from '../support/kube-objects.js';
import { waitFor } from '../support/wait-for.js';
import { WantedList } from '../support/wanted-list.js';

setLogLevel('error');

const QUICK: Partial<WatchTiming> = { backoff: { firstMs: 5, maxMs: 20 } };

function follow(
  context: TestContext,
  api: KubeApiServer,
  keys: object = { selector: 'app=vllm' },
  timing: Partial<WatchTiming> = {},
): WantedList {
  const kubernetes = {
    kubeconfig: api.kubeconfig,
    kvEventsPort: 5557,
    kvReplayPort: 5567,
    ...keys,
  };
  const models = [{ name: 'm', tokenizer: 't', endpoints: { kubernetes } }];
  const [source] = parseConfig(JSON.stringify({ models }), 'x').config.models[0]?.sources ?? [];
  assert.ok(source?.kind === 'kubernetes');
  const list = new WantedList();
  const options = { config: source, listener: list, random: Math.random, qualified: false };
  const following = new KubernetesSource({ ...options, timing: { ...QUICK, ...timing } });
  context.after(() => following.close());
  return list;
}

const names = (list: WantedList, expected: string) =>
  waitFor(`endpoints ${expected}`, () => list.names === expected);

test('a ready pod is an endpoint with its address, ports and UID', async (t) => {
  const api = await KubeApiServer.start(t);
  api.put(PODS, pod('vllm-0', { ip: '10.1.2.3', uid: 'u0' }));
  api.put(PODS, pod('other', { labels: { app: 'nginx' } }));
  const list = follow(t, api);
  await names(list, 'vllm-0');
  assert.deepEqual(list.last, [
    {
      name: 'vllm-0',
      url: 'http://10.1.2.3:8000',
      kvEvents: 'tcp://10.1.2.3:5557',
      kvReplay: 'tcp://10.1.2.3:5567',
      dataParallelRank: null,
      identity: 'u0',
      draining: false,
    },
  ]);
  assert.deepEqual(list.failures, []);
});

test('a pod that loads is no endpoint, one that stops being ready drains, one that is deleted leaves', async (t) => {
  const api = await KubeApiServer.start(t);
  api.put(PODS, pod('a', { ready: false }));
  const list = follow(t, api);
  await waitFor('a list', () => list.lists.length > 0);
  assert.equal(list.names, '');
  api.put(PODS, pod('a'));
  await names(list, 'a');
  api.put(PODS, pod('a', { ready: false }));
  await names(list, 'a!');
  api.put(PODS, pod('a'));
  await names(list, 'a');
  api.put(PODS, pod('a', { terminating: true }));
  await names(list, 'a!');
  api.delete(PODS, 'a');
  await names(list, '');
});

test('an evicted pod is no endpoint any more, although it stays listed', async (t) => {
  const api = await KubeApiServer.start(t);
  api.put(PODS, pod('a', { ip: '10.0.0.9' }));
  const list = follow(t, api);
  await names(list, 'a');
  api.put(PODS, pod('a', { ip: '10.0.0.9', phase: 'Failed', ready: false }));
  api.put(PODS, pod('b', { ip: '10.0.0.9' }));
  await names(list, 'b');
});

test('an address that another pod got is another engine', async (t) => {
  const api = await KubeApiServer.start(t);
  api.put(PODS, pod('a', { ip: '10.0.0.9', uid: 'first' }));
  const list = follow(t, api);
  await names(list, 'a');
  api.delete(PODS, 'a');
  api.put(PODS, pod('b', { ip: '10.0.0.9', uid: 'second' }));
  await names(list, 'b');
  assert.deepEqual([list.last[0]?.url, list.last[0]?.identity], ['http://10.0.0.9:8000', 'second']);
  // A StatefulSet uses the name again as well.
  api.put(PODS, pod('b', { ip: '10.0.0.9', uid: 'third' }));
  await waitFor('the third', () => list.last[0]?.identity === 'third');
});

test('annotations of a pod say ports, scheme and ranks; a bad one leaves the pod out', async (t) => {
  const api = await KubeApiServer.start(t);
  const annotations = {
    'warmpath/port': '9000',
    'warmpath/scheme': 'https',
    'warmpath/kv-events-port': '7000',
    'warmpath/data-parallel-size': '2',
  };
  api.put(PODS, pod('dp', { annotations, ip: 'fd00::7' }));
  api.put(PODS, pod('bad', { annotations: { 'warmpath/port': '70000' } }));
  const list = follow(t, api);
  await names(list, 'dp/dp0 dp/dp1');
  assert.deepEqual(
    list.last.map(({ url, kvEvents, kvReplay, dataParallelRank }) => {
      return [url, kvEvents, kvReplay, dataParallelRank];
    }),
    [
      ['https://[fd00::7]:9000', 'tcp://[fd00::7]:7000', 'tcp://[fd00::7]:5567', 0],
      ['https://[fd00::7]:9000', 'tcp://[fd00::7]:7001', 'tcp://[fd00::7]:5568', 1],
    ],
  );
});

test('long lists come in pages, and one whose token grew too old is listed anew', async (t) => {
  const api = await KubeApiServer.start(t);
  api.pageSize = 2;
  for (let i = 0; i < 5; i += 1) api.put(PODS, pod(`p${i}`, { ip: `10.0.0.${i + 1}` }));
  api.expiringPages = 1;
  const list = follow(t, api);
  await names(list, 'p0 p1 p2 p3 p4');
  // One page, the one that was refused, and three of the list that came through.
  assert.equal(api.requests.filter(({ kind }) => kind === 'list').length, 5);
  assert.equal(list.lists.length, 1);
});

test('410 means: list again, and nothing is lost or reported', async (t) => {
  const api = await KubeApiServer.start(t);
  api.put(PODS, pod('a'));
  const list = follow(t, api);
  await waitFor('a watch', () => api.watches === 1);
  api.silent = true;
  api.put(PODS, pod('b', { ip: '10.0.0.2' }));
  api.delete(PODS, 'a');
  api.compact();
  api.silent = false;
  api.endWatches('ended');
  await names(list, 'b');
  assert.equal(api.requests.filter(({ kind }) => kind === 'list').length, 2);
  assert.deepEqual(list.failures, []);
});

test('a watch that breaks in the middle of an event goes on where it was', async (t) => {
  const api = await KubeApiServer.start(t);
  api.put(PODS, pod('a'));
  const list = follow(t, api);
  await waitFor('a watch', () => api.watches === 1);
  api.silent = true;
  api.put(PODS, pod('b', { ip: '10.0.0.2' }));
  const [line = ''] = api.lines.slice(-1);
  api.sendToWatches(line.slice(0, line.length / 2));
  api.silent = false;
  api.endWatches('broken');
  await names(list, 'a b');
  const [listed] = api.requests;
  assert.equal(listed?.kind, 'list');
  assert.equal(api.requests.filter(({ kind }) => kind === 'list').length, 1);
});

test('events that come twice or in the wrong order change nothing for the worse', async (t) => {
  const api = await KubeApiServer.start(t);
  const list = follow(t, api);
  await waitFor('a watch', () => api.watches === 1);
  api.silent = true;
  api.put(PODS, pod('a', { uid: 'old' }));
  api.put(PODS, pod('a', { uid: 'old', ready: false }));
  api.delete(PODS, 'a');
  api.put(PODS, pod('a', { uid: 'new' }));
  const [added, notReady, deleted, again] = api.lines;
  const send = (...lines: (string | undefined)[]) => api.sendToWatches(lines.join(''));
  send(added, added);
  await names(list, 'a');
  send(again, deleted, notReady, added);
  await waitFor('the new pod', () => list.last[0]?.identity === 'new');
  api.delete(PODS, 'a');
  const [, , , , gone] = api.lines;
  send(gone, again, added);
  await names(list, '');
  send(gone, gone);
  api.bookmark();
  await waitFor('the bookmark', () => api.watches === 1);
  assert.equal(list.names, '');
});

test('bookmarks move the version on, so that a quiet watch outlives a compaction', async (t) => {
  const api = await KubeApiServer.start(t);
  api.put(PODS, pod('a'));
  const list = follow(t, api);
  await waitFor('a watch', () => api.watches === 1);
  api.bookmark();
  api.compact();
  // The bookmark has arrived when what was sent after it has.
  api.put(PODS, pod('b', { ip: '10.0.0.2' }));
  await names(list, 'a b');
  api.compact();
  api.endWatches('ended');
  await waitFor(
    'the next watch',
    () => api.requests.filter(({ kind }) => kind === 'watch').length > 1,
  );
  assert.equal(api.requests.filter(({ kind }) => kind === 'list').length, 1);
});

test('while the API server is away the last list holds, and then it is followed again', async (t) => {
  const api = await KubeApiServer.start(t);
  api.put(PODS, pod('a'));
  const list = follow(t, api);
  await waitFor('a watch', () => api.watches === 1);
  const { port } = api;
  api.stop();
  await waitFor('a failure', () => list.failures.length > 2);
  assert.match(list.failures.at(-1) ?? '', /cannot be reached/);
  assert.equal(list.names, 'a');
  const told = list.lists.length;
  await api.listen(port);
  await waitFor('news that it is back', () => list.lists.length > told);
  api.put(PODS, pod('b', { ip: '10.0.0.2' }));
  await names(list, 'a b');
});

test('a refusal says what is missing', async (t) => {
  const api = await KubeApiServer.start(t);
  api.refusal = 403;
  const list = follow(t, api);
  await waitFor('a failure', () => list.failures.length > 0);
  assert.match(list.failures[0] ?? '', /pods: 403 refused with 403.*service account.*rbac/);
  api.refusal = null;
  api.put(PODS, pod('a'));
  await names(list, 'a');
});

test('a server that has too much to do is not asked for everything again', async (t) => {
  const api = await KubeApiServer.start(t);
  api.put(PODS, pod('a'));
  const list = follow(t, api);
  await waitFor('a watch', () => api.watches === 1);
  for (const refusal of [429, 503]) {
    const failures = list.failures.length;
    api.refusal = refusal;
    api.endWatches('broken');
    await waitFor('a failure', () => list.failures.length > failures);
    api.refusal = null;
    api.put(PODS, pod(`after-${refusal}`, { ip: '10.0.0.2' }));
    await waitFor('the change', () => list.names.includes(`after-${refusal}`));
  }
  assert.equal(api.requests.filter(({ kind }) => kind === 'list').length, 1);
});

test('a stream of nonsense is left, and the list tells', async (t) => {
  const api = await KubeApiServer.start(t);
  const list = follow(t, api);
  await waitFor('a watch', () => api.watches === 1);
  api.silent = true;
  api.put(PODS, pod('a'));
  api.silent = false;
  api.sendToWatches('{"type": "ADDED", "object"\n');
  await names(list, 'a');
  assert.match(list.failures[0] ?? '', /not JSON/);
});

test('a connection that died unnoticed is given up at its deadline', async (t) => {
  const api = await KubeApiServer.start(t);
  const list = follow(t, api, { selector: 'app=vllm' }, { watchSeconds: 0.001, graceMs: -900 });
  await waitFor('a watch', () => api.watches === 1);
  api.silent = true;
  api.put(PODS, pod('a'));
  await names(list, 'a');
});

test('everything is listed anew from time to time, whatever the watch said', async (t) => {
  const api = await KubeApiServer.start(t);
  const list = follow(t, api, { selector: 'app=vllm' }, { resyncMs: 0 });
  await waitFor('a watch', () => api.watches === 1);
  api.endWatches('ended');
  const lists = () => api.requests.filter(({ kind }) => kind === 'list').length;
  await waitFor('a second list', () => lists() > 1);
  assert.deepEqual(list.failures, []);
});

function slice(name: string, service: string, endpoints: readonly object[], more: object = {}) {
  return {
    metadata: { name, labels: { 'kubernetes.io/service-name': service } },
    addressType: 'IPv4',
    ports: [
      { name: 'http', port: 8080, protocol: 'TCP' },
      { name: 'metrics', port: 9000, protocol: 'TCP' },
    ],
    endpoints,
    ...more,
  };
}

function sliceEndpoint(name: string, ip: string, conditions: object = { ready: true }) {
  return {
    addresses: [ip],
    conditions,
    targetRef: { kind: 'Pod', name, namespace: 'llm', uid: `uid-${name}` },
  };
}

test('a Service is followed by its EndpointSlices, its port by name', async (t) => {
  const api = await KubeApiServer.start(t);
  api.put(SLICES, slice('vllm-x', 'vllm', [sliceEndpoint('a', '10.0.0.1')]));
  api.put(SLICES, slice('other-x', 'other', [sliceEndpoint('z', '10.0.0.9')]));
  const list = follow(t, api, { service: 'vllm', portName: 'http' });
  await names(list, 'a');
  assert.deepEqual([list.last[0]?.url, list.last[0]?.identity], ['http://10.0.0.1:8080', 'uid-a']);
  const leaving = { ready: false, serving: true, terminating: true };
  api.put(
    SLICES,
    slice('vllm-x', 'vllm', [
      sliceEndpoint('a', '10.0.0.1', leaving),
      sliceEndpoint('loading', '10.0.0.3', { ready: false, serving: false, terminating: false }),
    ]),
  );
  api.put(SLICES, slice('vllm-y', 'vllm', [sliceEndpoint('b', '10.0.0.2')]));
  await names(list, 'a! b');
});

test('a pod in two slices is one endpoint, ready if it is in either, of one address family', async (t) => {
  const api = await KubeApiServer.start(t);
  const notReady = { ready: false, serving: false, terminating: false };
  api.put(SLICES, slice('one', 'vllm', [sliceEndpoint('a', '10.0.0.1', notReady)]));
  api.put(SLICES, slice('two', 'vllm', [sliceEndpoint('a', '10.0.0.1')]));
  const six = { addressType: 'IPv6' };
  api.put(SLICES, slice('six', 'vllm', [sliceEndpoint('a', 'fd00::1')], six));
  const list = follow(t, api, { service: 'vllm' });
  await names(list, 'a');
  assert.equal(list.last[0]?.url, 'http://10.0.0.1:8000');
});

const pool = (name: string, labels: object, ports: readonly number[]) => ({
  metadata: { name },
  spec: {
    selector: { matchLabels: labels },
    targetPorts: ports.map((number) => ({ number })),
    endpointPickerRef: { name: 'epp', port: { number: 9002 } },
  },
});

test('an InferencePool says which pods and ports, and may change its mind', async (t) => {
  const api = await KubeApiServer.start(t);
  api.put(PODS, pod('a', { ip: '10.0.0.1' }));
  api.put(PODS, pod('b', { ip: '10.0.0.2', labels: { app: 'other' } }));
  const list = follow(t, api, { inferencePool: 'qwen' });
  await waitFor('a failure', () => list.failures.length > 0);
  assert.match(list.failures[0] ?? '', /no InferencePool qwen in namespace llm/);
  api.put(POOLS, pool('else', { app: 'other' }, [1]));
  api.put(POOLS, pool('qwen', { app: 'vllm' }, [8000, 8001]));
  await names(list, 'a:8000 a:8001');
  assert.deepEqual(
    list.last.map(({ url, kvEvents }) => [url, kvEvents]),
    [
      ['http://10.0.0.1:8000', 'tcp://10.0.0.1:5557'],
      ['http://10.0.0.1:8001', 'tcp://10.0.0.1:5558'],
    ],
  );
  api.put(POOLS, pool('qwen', { app: 'other' }, [8000]));
  await names(list, 'b');
  // Made anew: the engines are not to blame.
  api.delete(POOLS, 'qwen');
  await waitFor('a second failure', () => list.failures.length > 1);
  assert.equal(list.names, 'b');
});

test('a kubeconfig that cannot be read is said, and tried again', async (t) => {
  const api = await KubeApiServer.start(t);
  const list = follow(t, api, { selector: 'app=vllm', kubeconfig: '/nowhere/kubeconfig' });
  await waitFor('a failure', () => list.failures.length > 1, 20_000);
  assert.match(list.failures[0] ?? '', /\/nowhere\/kubeconfig cannot be used/);
});
