// HTTP server: listens, stops accepting, closes. Nothing above sees what is behind it.
import { log } from '../log.js';
import type { ExchangeHandler } from './exchange-handler.js';
import { createNodeServer } from './node-server.js';
import { hasUWebSocketsBinary, loadUWebSockets } from './uwebsockets.js';
import { createUwsServer } from './uws-server.js';

export type { ExchangeHandler };

export interface HttpServer {
  /** Port really bound (useful after asking for 0). Rejects with ConfigError naming host and port
   * when the port is in use. */
  listen(host: string, port: number): Promise<number>;
  /** Another certificate for the connections that come from now on; open ones keep theirs. Throws
   * ConfigError when it cannot be used; then nothing has changed. REQUIRES: a server with one. */
  renew(certificate: ServerCertificate): void;
  /** Refuses new connections; open ones go on, and end with their next response. */
  stopAccepting(): void;
  /** Ends every connection. Must run before its thread exits, or uWebSockets.js aborts the process. */
  close(): void;
  /** Exchanges whose response has neither ended nor been given up: 0 means drained. */
  readonly openExchanges: number;
  /** Connections of clients, busy or not. */
  readonly openConnections: number;
}

/** Files and what stands in them, as PEM. */
export interface ServerCertificate {
  readonly certFile: string;
  readonly keyFile: string;
  readonly cert: string;
  readonly key: string;
}

export type HttpImplementation = 'auto' | 'uwebsockets' | 'node';

export interface ServerOptions {
  /** `auto` takes uWebSockets.js, and node:http with a warning on platforms it has no binary for
   * (musl, an unknown Node ABI). A binary that is there but must not be loaded (wrong sha256, glibc
   * below 2.36) is an error in `auto` as well: something is wrong with the installation, and a router
   * that is quietly three times slower would hide it. Default `auto`. */
  readonly httpImplementation?: HttpImplementation;
  /** Default: plain HTTP. */
  readonly certificate?: ServerCertificate | null;
}

export function createServer(handler: ExchangeHandler, options: ServerOptions = {}): HttpServer {
  const implementation = options.httpImplementation ?? 'auto';
  const certificate = options.certificate ?? null;
  if (implementation === 'node') return createNodeServer(handler, certificate);
  if (implementation === 'auto' && !hasUWebSocketsBinary()) {
    log.warn('uWebSockets.js has no binary for this platform: serving with the slower node:http', {
      platform: process.platform,
      arch: process.arch,
      abi: process.versions.modules,
    });
    return createNodeServer(handler, certificate);
  }
  return createUwsServer(loadUWebSockets(), handler, certificate);
}
