// What a router tells other routers, on its admin port: `GET /peer/snapshot` and `GET /peer/load`.
import type { Exchange } from '../http/exchange.js';
import { log } from '../log.js';
import type { LoadReport } from './load-exchange.js';
import { SnapshotError } from './snapshot-error.js';

export interface PeerApi {
  /** Why no snapshot can be had now, or null. */
  readonly unready: () => string | null;
  /** The index, from its first byte on. */
  readonly snapshot: () => AsyncGenerator<Uint8Array>;
  readonly load: () => LoadReport;
}

const BYTES = [['content-type', 'application/octet-stream']] as const;
const JSON_TYPE = [['content-type', 'application/json']] as const;

/** False: the path is none of these. */
export function answerPeer(exchange: Exchange, api: PeerApi): boolean {
  if (exchange.method !== 'GET') return false;
  switch (exchange.path) {
    case '/peer/load':
      exchange.respond(200, JSON_TYPE, JSON.stringify(api.load()));
      return true;
    case '/peer/snapshot':
      // It answers every failure itself.
      void sendSnapshot(exchange, api);
      return true;
    default:
      return false;
  }
}

async function sendSnapshot(exchange: Exchange, { unready, snapshot }: PeerApi): Promise<void> {
  const reason = unready();
  if (reason !== null) {
    exchange.respond(503, [], `${reason}\n`);
    return;
  }
  const begunMs = performance.now();
  let bytes = 0;
  try {
    for await (const chunk of snapshot()) {
      if (exchange.aborted) return;
      if (!exchange.started) exchange.start(200, BYTES, null);
      bytes += chunk.length;
      if (!exchange.write(chunk)) await drained(exchange);
      if (exchange.aborted) return;
    }
    exchange.end();
    const milliseconds = Math.round(performance.now() - begunMs);
    log.info('prefix index given to a peer', { bytes, milliseconds });
  } catch (error) {
    if (exchange.aborted) return;
    const why = error instanceof Error ? error.message : String(error);
    if (!(error instanceof SnapshotError)) log.error('snapshot failed', { reason: why });
    if (exchange.started) exchange.destroy();
    else exchange.respond(503, [], `${why}\n`);
  }
}

function drained(exchange: Exchange): Promise<void> {
  return new Promise((resolve) => {
    exchange.onDrain(resolve);
    exchange.onAbort(resolve);
  });
}
