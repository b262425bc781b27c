import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import {
  EnginePoller,
  type EngineReport,
  type PollerIntervals,
  type PollerOptions,
} from '../../src/endpoint/engine-poller.js';

type Pages = Record<string, (request: IncomingMessage, response: ServerResponse) => void>;

const METRICS =
  'vllm:num_requests_waiting{engine="0"} 2\nvllm:num_requests_waiting{engine="1"} 3\n';
const answer =
  (body: string, status = 200) =>
  (_request: IncomingMessage, response: ServerResponse) => {
    response.writeHead(status).end(body);
  };
const HEALTHY: Pages = {
  '/health': answer(''),
  '/metrics': answer(METRICS),
  '/v1/models': answer('{"data":[{"id":"m","max_model_len":4096},{"id":"a","parent":"m"}]}'),
};

async function engine(
  context: TestContext,
  pages: Pages,
): Promise<{ url: string; asked: string[]; server: Server }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    asked.push(path);
    (pages[path] ?? answer('', 404))(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  assert.ok(isAddress(address));
  return { url: `http://127.0.0.1:${address.port}`, asked, server };
}
function isAddress(address: unknown): address is AddressInfo {
  return typeof address === 'object' && address !== null && 'port' in address;
}

type WatchOptions = Partial<PollerIntervals & Pick<PollerOptions, 'apiKey' | 'dataParallelRank'>>;

/** News of a poller as promises, in order. */
function watch(context: TestContext, url: string, options: WatchOptions = {}) {
  const news: (EngineReport | { reason: string; refused: boolean })[] = [];
  let wake = () => {};
  const tell = (one: (typeof news)[number]) => {
    news.push(one);
    wake();
  };
  const poller = new EnginePoller({
    url,
    intervals: { intervalMs: 10, ...options },
    apiKey: options.apiKey ?? (() => null),
    dataParallelRank: options.dataParallelRank ?? null,
    random: () => 0.5,
    onReport: tell,
    onFailure: (reason, refused) => tell({ reason, refused }),
  });
  context.after(() => poller.close());
  const next = async () => {
    while (news.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    const one = news.shift();
    assert.ok(one);
    return one;
  };
  return {
    poller,
    news,
    next,
    async report(): Promise<EngineReport> {
      const one = await next();
      assert.ok('metrics' in one, JSON.stringify(one));
      return one;
    },
    async failure() {
      const one = await next();
      assert.ok('reason' in one, JSON.stringify(one));
      return one;
    },
  };
}

test('an engine reports load every time and models at a slower rate', async (t) => {
  const { url, asked } = await engine(t, HEALTHY);
  const { report } = watch(t, url, { healthIntervalMs: 60_000, modelsIntervalMs: 60_000 });
  const first = await report();
  assert.equal(first.metrics?.waitingRequests, 5);
  assert.deepEqual(first.models, [
    { id: 'm', parent: null, maxModelLen: 4096 },
    { id: 'a', parent: 'm', maxModelLen: null },
  ]);
  const second = await report();
  assert.equal(second.metrics?.waitingRequests, 5);
  assert.equal(second.models, null);
  const [health, metrics, models, ...later] = asked;
  assert.deepEqual([health, metrics, models], ['/health', '/metrics', '/v1/models']);
  assert.ok(later.every((path) => path === '/metrics'));
});

test("a rank reads its own series of its engine's page", async (t) => {
  const { url } = await engine(t, HEALTHY);
  const { report } = watch(t, url, { dataParallelRank: 1 });
  assert.equal((await report()).metrics?.waitingRequests, 3);
});

test('an engine without metrics is still alive', async (t) => {
  const { url } = await engine(t, {});
  const { report } = watch(t, url);
  assert.deepEqual(await report(), { metrics: null, models: null });
});

test('an engine whose health page says 503 fails although its metrics answer', async (t) => {
  const { url } = await engine(t, { ...HEALTHY, '/health': answer('', 503) });
  const { failure } = watch(t, url, { healthIntervalMs: 60_000 });
  for (let i = 0; i < 3; i++) {
    const { reason, refused } = await failure();
    assert.equal(reason, '/health answers 503');
    assert.equal(refused, false);
  }
});

test('nobody at the address is a refusal, and the engine is heard when it comes up', async (t) => {
  const { url, server } = await engine(t, HEALTHY);
  const port = Number(new URL(url).port);
  server.close();
  await once(server, 'close');
  const { failure, next } = watch(t, url);
  assert.equal((await failure()).refused, true);
  const again = createServer((request, response) => {
    (HEALTHY[request.url ?? ''] ?? answer('', 404))(request, response);
  });
  again.listen(port, '127.0.0.1');
  await once(again, 'listening');
  t.after(() => {
    again.closeAllConnections();
    again.close();
  });
  while (!('metrics' in (await next()))) {
    // Refusals that were under way.
  }
});

test('an engine that does not answer fails after the timeout, and polls never overlap', async (t) => {
  let open = 0;
  let most = 0;
  const { url } = await engine(t, {
    ...HEALTHY,
    '/metrics': (request) => {
      open++;
      most = Math.max(most, open);
      request.socket.once('close', () => open--);
    },
  });
  const { failure } = watch(t, url, { timeoutMs: 40, intervalMs: 1 });
  for (let i = 0; i < 3; i++) {
    const { reason, refused } = await failure();
    assert.match(reason, /^nothing within \d+ ms$/);
    assert.equal(refused, false);
  }
  assert.equal(most, 1);
});

test('an endless page is cut off', async (t) => {
  const { url } = await engine(t, {
    ...HEALTHY,
    '/metrics': (_request, response) => {
      const chunk = Buffer.alloc(256 * 1024, 'x');
      const more = () => {
        while (!response.destroyed && response.write(chunk));
      };
      response.on('drain', more);
      more();
    },
  });
  const { failure } = watch(t, url);
  assert.match((await failure()).reason, /\/metrics answers more than 4194304 bytes/);
});

test('a models page that is no JSON costs the models only', async (t) => {
  const { url } = await engine(t, { ...HEALTHY, '/v1/models': answer('<html>') });
  const { report } = watch(t, url);
  const { metrics, models } = await report();
  assert.equal(metrics?.waitingRequests, 5);
  assert.equal(models, null);
});

test('the key goes with every question', async (t) => {
  const keys = new Set<string | undefined>();
  const page = (request: IncomingMessage, response: ServerResponse) => {
    keys.add(request.headers.authorization);
    response.end('{}');
  };
  const { url } = await engine(t, { '/health': page, '/metrics': page, '/v1/models': page });
  await watch(t, url, { apiKey: () => 'secret' }).report();
  assert.deepEqual([...keys], ['Bearer secret']);
});

test('after close nothing is reported and the engine sees the question end', async (t) => {
  let ended: (() => void) | undefined;
  const gone = new Promise<void>((resolve) => (ended = resolve));
  let asked: (() => void) | undefined;
  const arrived = new Promise<void>((resolve) => (asked = resolve));
  const { url } = await engine(t, {
    ...HEALTHY,
    '/metrics': (request) => {
      request.socket.once('close', () => ended?.());
      asked?.();
    },
  });
  const { poller, news } = watch(t, url, { timeoutMs: 60_000 });
  await arrived;
  poller.close();
  await gone;
  assert.deepEqual(news, []);
});
