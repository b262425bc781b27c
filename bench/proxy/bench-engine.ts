// Process entry: an engine that costs little, for the proxy benchmark. Sends its port to its parent.
//
// POST /v1/completions answers 400 bytes of JSON; GET /stream?<chunks>,<pace in ms> streams events of
// 215 bytes, pace 0 meaning as fast as the socket takes them.
import type { Exchange } from '../../src/http/exchange.js';
import { createServer } from '../../src/http/server.js';

const EVENT = Buffer.from(`data: ${JSON.stringify({ text: 'x'.repeat(196) })}\n\n`);
const ANSWER = JSON.stringify({ text: 'x'.repeat(389) });

async function answer(exchange: Exchange): Promise<void> {
  await exchange.readBody(1 << 20);
  exchange.respond(200, [['content-type', 'application/json']], ANSWER);
}

function stream(exchange: Exchange): void {
  const [chunks = 0, paceMs = 0] = exchange.query.split(',').map(Number);
  exchange.start(200, [['content-type', 'text/event-stream']], null);
  let left = chunks;
  if (paceMs > 0) {
    const timer = setInterval(() => {
      exchange.write(EVENT);
      left--;
      if (left > 0 && !exchange.aborted) return;
      clearInterval(timer);
      exchange.end();
    }, paceMs);
    return;
  }
  const pump = () => {
    while (left > 0) {
      left--;
      if (!exchange.write(EVENT)) {
        exchange.onDrain(pump);
        return;
      }
    }
    exchange.end();
  };
  pump();
}

const server = createServer((exchange) => {
  if (exchange.path === '/stream') stream(exchange);
  else void answer(exchange);
});
process.send?.(await server.listen('127.0.0.1', 0));
process.once('disconnect', () => server.close());
