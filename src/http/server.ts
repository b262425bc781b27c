// HTTP server: listens, stops accepting, closes. Behind it is uWebSockets.js; nothing else sees that.
import type { Exchange } from './exchange.js';

export interface HttpServer {
  /** Port really bound (useful after asking for 0). Rejects with ConfigError naming host and port
   * when the port is in use. */
  listen(host: string, port: number): Promise<number>;
  /** Refuses new connections; open ones go on. */
  stopAccepting(): void;
  /** Ends every connection. */
  close(): void;
}

export type ExchangeHandler = (exchange: Exchange) => void;

export function createServer(_handler: ExchangeHandler): HttpServer {
  throw new Error('being built');
}
