// The proxy hop by itself: a server that forwards everything to one endpoint.
import type { Exchange } from '../../src/http/exchange.js';
import type { HttpImplementation } from '../../src/http/server.js';
import {
  createForwarder,
  type ForwarderOptions,
  type ForwardOutcome,
} from '../../src/proxy/forwarder.js';
import { serve } from './http-servers.js';

const BODY_LIMIT_BYTES = 32 * 1024 * 1024;

export interface ForwardingServer extends AsyncDisposable {
  readonly port: number;
  readonly outcomes: readonly ForwardOutcome[];
  readonly openExchanges: number;
  readonly staleConnections: number;
}

export async function forwardingServer(
  implementation: HttpImplementation,
  endpointUrl: () => string,
  options: ForwarderOptions = {},
): Promise<ForwardingServer> {
  const forwarder = createForwarder(options);
  const outcomes: ForwardOutcome[] = [];
  let staleConnections = 0;

  async function hop(exchange: Exchange): Promise<void> {
    let body: Uint8Array;
    try {
      body = await exchange.readBody(BODY_LIMIT_BYTES);
    } catch {
      exchange.respond(413, [], 'too large');
      return;
    }
    const outcome = await forwarder.forward(
      endpointUrl(),
      {
        method: exchange.method,
        target: exchange.query === '' ? exchange.path : `${exchange.path}?${exchange.query}`,
        headers: exchange.headers,
        body: body.length === 0 ? null : body,
        extraRequestHeaders: [],
        extraResponseHeaders: [['x-warmpath-endpoint', 'a']],
      },
      exchange,
      { onStaleConnection: () => staleConnections++ },
    );
    outcomes.push(outcome);
    if (outcome.kind === 'unanswered') {
      exchange.respond(outcome.error.status, [], outcome.error.code);
    }
  }

  const served = await serve(implementation, (exchange) => void hop(exchange));
  return {
    port: served.port,
    outcomes,
    get openExchanges() {
      return served.server.openExchanges;
    },
    get staleConnections() {
      return staleConnections;
    },
    [Symbol.asyncDispose]: async () => {
      served[Symbol.dispose]();
      await forwarder.close();
    },
  };
}
