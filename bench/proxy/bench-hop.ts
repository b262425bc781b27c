// Process entry: one way to pass requests on, in a process of its own so that its CPU time can be read.
// Arguments: engine URL, `forwarder` or `undici-request`. Answers every message with its CPU time in us.
import type { Readable } from 'node:stream';
import { Pool } from 'undici';
import type { Exchange } from '../../src/http/exchange.js';
import { createServer } from '../../src/http/server.js';
import { createForwarder } from '../../src/proxy/forwarder.js';

const [engineUrl = '', kind = ''] = process.argv.slice(2);
const BODY_LIMIT_BYTES = 1 << 20;

function forwarderHop(): (exchange: Exchange) => Promise<void> {
  const forwarder = createForwarder();
  return async (exchange) => {
    const body = await exchange.readBody(BODY_LIMIT_BYTES);
    const { method, path, query, headers } = exchange;
    const request = {
      method,
      target: query === '' ? path : `${path}?${query}`,
      headers,
      body,
      extraRequestHeaders: [],
      extraResponseHeaders: [['x-warmpath-endpoint', 'a'] as const],
    };
    await forwarder.forward(engineUrl, request, exchange, {});
  };
}

/** What one would write without thinking about cost: undici's `request`, its body piped chunk by chunk. */
function undiciRequestHop(): (exchange: Exchange) => Promise<void> {
  const pool = new Pool(engineUrl, { connections: 1024 });
  return async (exchange) => {
    const body = await exchange.readBody(BODY_LIMIT_BYTES);
    const target = exchange.query === '' ? exchange.path : `${exchange.path}?${exchange.query}`;
    const response = await pool.request({
      method: exchange.method,
      path: target,
      headers: exchange.headers
        .filter(([name]) => name !== 'host' && name !== 'content-length')
        .flat(),
      body,
    });
    const length = response.headers['content-length'];
    const headers = Object.entries(response.headers)
      .filter(([name]) => name !== 'transfer-encoding')
      .map(([name, value]) => [name, String(value)] as const);
    exchange.start(response.statusCode, headers, length === undefined ? null : Number(length));
    for await (const chunk of response.body as Readable) {
      if (!exchange.write(chunk)) await new Promise<void>((resolve) => exchange.onDrain(resolve));
    }
    exchange.end();
  };
}

const hop = kind === 'forwarder' ? forwarderHop() : undiciRequestHop();
const server = createServer((exchange) => void hop(exchange));
process.send?.(await server.listen('127.0.0.1', 0));
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send?.(user + system);
});
process.once('disconnect', () => {
  server.close();
  process.exit(0);
});
