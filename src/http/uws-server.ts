// HttpServer on uWebSockets.js: one route for every method and path.
import { inspect } from 'node:util';
import { log } from '../log.js';
import { listenFailure } from './listen-failure.js';
import { type RequestHead, readFraming, refusalBody } from './request-head.js';
import type { ExchangeHandler, HttpServer } from './server.js';
import type { UWebSockets, UwsApp, UwsListenSocket, UwsResponse } from './uwebsockets.js';
import { UwsExchange } from './uws-exchange.js';

type UwsRequest = Parameters<Parameters<UwsApp['any']>[1]>[1];

export function createUwsServer(uws: UWebSockets, handler: ExchangeHandler): HttpServer {
  const app = uws.App();
  const policy = { closesConnections: false };
  let listenSocket: UwsListenSocket | null = null;
  let openExchanges = 0;
  let closed = false;
  const onClosed = () => {
    openExchanges--;
  };

  app.any('/*', (response, request) => {
    const head = readHead(request);
    if (typeof head === 'string') {
      refuse(response, head);
      return;
    }
    openExchanges++;
    const exchange = new UwsExchange(response, head, policy, onClosed);
    try {
      handler(exchange);
    } catch (error) {
      log.error('a request handler threw', { path: head.path, error: inspect(error) });
      exchange.destroy();
    }
    exchange.holdBody();
  });

  return {
    get openExchanges() {
      return openExchanges;
    },
    listen(host, port) {
      return new Promise((resolve, reject) => {
        app.listen(host, port, uws.LIBUS_LISTEN_EXCLUSIVE_PORT, (socket) => {
          if (socket === false) {
            listenFailure(host, port).then(reject, reject);
            return;
          }
          listenSocket = socket;
          resolve(uws.us_socket_local_port(socket));
        });
      });
    },
    stopAccepting() {
      policy.closesConnections = true;
      if (listenSocket !== null && !closed) uws.us_listen_socket_close(listenSocket);
      listenSocket = null;
    },
    close() {
      if (closed) return;
      closed = true;
      policy.closesConnections = true;
      app.close();
    },
  };
}

/** The head, or what is wrong with it. */
function readHead(request: UwsRequest): RequestHead | string {
  const headers: [name: string, value: string][] = [];
  request.forEach((name, value) => {
    headers.push([name, toByteString(value)]);
  });
  const framing = readFraming(headers);
  if (typeof framing === 'string') return framing;
  const path = request.getUrl();
  const query = request.getQuery() ?? '';
  // Bytes that are no UTF-8 are lost at this point, so the engine would see another URL.
  if (path.includes('\ufffd') || query.includes('\ufffd')) return 'the URL is not valid UTF-8';
  return {
    method: request.getCaseSensitiveMethod().toUpperCase(),
    path: toByteString(path),
    query: toByteString(query),
    headers,
    framing,
  };
}

/** uWebSockets.js decodes UTF-8; the contract is one character per byte. (It also takes bytes above
 * 0x7f at the end of a header value for white space and cuts them off, which nothing here can undo.) */
function toByteString(text: string): string {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) > 0x7f) return Buffer.from(text, 'utf8').toString('latin1');
  }
  return text;
}

/** Answers a turn later and closes: while the answer is pending uWebSockets.js ends a connection on
 * which more comes, so that bytes which may be a smuggled request are never read as one. */
function refuse(response: UwsResponse, message: string): void {
  let aborted = false;
  response.onAborted(() => {
    aborted = true;
  });
  setImmediate(() => {
    if (aborted) return;
    response.cork(() => {
      response.writeStatus('400 Bad Request');
      response.writeHeader('content-type', 'application/json');
      response.end(refusalBody(message), true);
    });
  });
}
