// HttpServer on node:http, for platforms without a uWebSockets.js binary.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, Server as TlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { ConfigError, RouterError } from '../errors.js';
import { log } from '../log.js';
import { errorBody } from './error-body.js';
import { callHandler, type ExchangeHandler } from './exchange-handler.js';
import { listenFailure } from './listen-failure.js';
import { NodeExchange } from './node-exchange.js';
import { badHead, type RequestHead, readFraming } from './request-head.js';
import type { HttpServer, ServerCertificate } from './server.js';

/** Same bounds as the other implementation where node:http has the knob. */
const SERVER_OPTIONS = {
  maxHeaderSize: 64 * 1024,
  headersTimeout: 10_000,
  /** Whole request, body included. */
  requestTimeout: 120_000,
  keepAliveTimeout: 10_000,
  connectionsCheckingInterval: 2000,
  noDelay: true,
};

/** As uWebSockets.js has it. */
const TLS_OPTIONS = { minVersion: 'TLSv1.2', handshakeTimeout: 10_000 } as const;

/** As many as uWebSockets.js takes. */
const HEADERS_MAX = 100;

export function createNodeServer(
  handler: ExchangeHandler,
  certificate: ServerCertificate | null,
): HttpServer {
  const policy = { closesConnections: false };
  let openExchanges = 0;
  let openConnections = 0;
  const onClosed = () => {
    openExchanges--;
  };

  const onRequest = (request: IncomingMessage, response: ServerResponse) => {
    const head = readHead(request);
    if (head instanceof RouterError) {
      response.writeHead(400, { 'content-type': 'application/json', connection: 'close' });
      response.end(errorBody(head));
      return;
    }
    openExchanges++;
    callHandler(handler, new NodeExchange(request, response, head, policy, onClosed));
  };
  const server =
    certificate === null
      ? createServer(SERVER_OPTIONS, onRequest)
      : createTlsServer({ ...SERVER_OPTIONS, ...certificate, ...TLS_OPTIONS }, onRequest);
  server.on(certificate === null ? 'connection' : 'secureConnection', (socket: Socket) => {
    // One listener for each pipelined request.
    socket.setMaxListeners(0);
    openConnections++;
    socket.once('close', () => {
      openConnections--;
    });
  });

  return {
    get openExchanges() {
      return openExchanges;
    },
    get openConnections() {
      return openConnections;
    },
    listen(host, port) {
      return new Promise((resolve, reject) => {
        const onError = () => listenFailure(host, port).then(reject, reject);
        server.once('error', onError);
        server.listen({ host, port, exclusive: true }, () => {
          server.off('error', onError);
          // Such as too many open files: the next connection may succeed.
          server.on('error', (error) =>
            log.error('accepting a connection failed', { error: error.message }),
          );
          resolve((server.address() as AddressInfo).port);
        });
      });
    },
    renew({ cert, key }) {
      if (!(server instanceof TlsServer)) return;
      try {
        server.setSecureContext({ cert, key, ...TLS_OPTIONS });
      } catch (failure) {
        throw new ConfigError(`not a certificate and its key: ${String(failure)}`);
      }
    },
    stopAccepting() {
      policy.closesConnections = true;
      server.close();
    },
    close() {
      policy.closesConnections = true;
      server.close();
      server.closeAllConnections();
    },
  };
}

/** The head, or what is wrong with it. */
function readHead(request: IncomingMessage): RequestHead | RouterError {
  const { rawHeaders, url = '' } = request;
  if (!url.startsWith('/')) return badHead('the request target is not a path');
  if (rawHeaders.length > 2 * HEADERS_MAX) {
    return badHead(`the request has more than ${HEADERS_MAX} headers`);
  }
  const headers: [name: string, value: string][] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    headers.push([(rawHeaders[i] ?? '').toLowerCase(), rawHeaders[i + 1] ?? '']);
  }
  const framing = readFraming(headers);
  if (framing instanceof RouterError) return framing;
  const queryAt = url.indexOf('?');
  return {
    method: request.method ?? '',
    path: queryAt === -1 ? url : url.slice(0, queryAt),
    query: queryAt === -1 ? '' : url.slice(queryAt + 1),
    headers,
    framing,
  };
}
