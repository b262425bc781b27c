// HttpServer on uWebSockets.js: one route for every method and path.
//
// What uWebSockets.js does by itself, and nothing here can change: HTTP/1.0 and targets that are no
// path get a 505; a head has at most 100 lines; a connection that sends its next request before the
// last response is ended, and so is one whose client has closed its sending side; a client that sends no whole head within 10 s, less than 16 KB/s of body, or
// takes no byte of a response for 10 s is cut off (deadlines come in steps of 4 s).
import { RouterError } from '../errors.js';
import { errorBody } from './error-body.js';
import { callHandler, type ExchangeHandler } from './exchange-handler.js';
import { listenFailure } from './listen-failure.js';
import { badHead, type RequestHead, readFraming } from './request-head.js';
import type { HttpServer, ServerCertificate } from './server.js';
import type { UWebSockets, UwsApp, UwsListenSocket, UwsResponse } from './uwebsockets.js';
import { UwsExchange } from './uws-exchange.js';
import { openTlsApp, UwsTlsApps } from './uws-tls-apps.js';

type UwsRequest = Parameters<Parameters<UwsApp['any']>[1]>[1];

export function createUwsServer(
  uws: UWebSockets,
  handler: ExchangeHandler,
  certificate: ServerCertificate | null,
): HttpServer {
  // An acceptor and those it deals to are of one kind: it treats their memory as its own kind's.
  const acceptor = certificate === null ? uws.App() : openTlsApp(uws, certificate);
  const policy = { closesConnections: false };
  let listenSocket: UwsListenSocket | null = null;
  let openExchanges = 0;
  let openConnections = 0;
  let closed = false;
  const onClosed = () => {
    openExchanges--;
  };

  const attach = (app: UwsApp, onConnections: (change: number) => void) => {
    // biome-ignore lint/suspicious/useIterableCallbackReturn: so it calls a listener for connections.
    app.filter((_response, change) => {
      openConnections += Number(change);
      onConnections(Number(change));
    });
    app.any('/*', (response, request) => {
      const head = readHead(request);
      if (head instanceof RouterError) {
        refuse(response, head);
        return;
      }
      openExchanges++;
      const exchange = new UwsExchange(response, head, policy, onClosed);
      callHandler(handler, exchange);
      exchange.holdBody();
    });
  };
  const tls = certificate === null ? null : new UwsTlsApps(uws, acceptor, attach);
  if (certificate !== null) tls?.use(certificate);
  else attach(acceptor, () => {});

  return {
    get openExchanges() {
      return openExchanges;
    },
    get openConnections() {
      return openConnections;
    },
    listen(host, port) {
      return new Promise((resolve, reject) => {
        acceptor.listen(host, port, uws.LIBUS_LISTEN_EXCLUSIVE_PORT, (socket) => {
          if (socket === false) {
            listenFailure(host, port).then(reject, reject);
            return;
          }
          listenSocket = socket;
          resolve(uws.us_socket_local_port(socket));
        });
      });
    },
    renew(next) {
      tls?.use(next);
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
      tls?.close();
      acceptor.close();
    },
  };
}

/** The head, or what is wrong with it. */
function readHead(request: UwsRequest): RequestHead | RouterError {
  const headers: [name: string, value: string][] = [];
  request.forEach((name, value) => {
    headers.push([name, toByteString(value)]);
  });
  const framing = readFraming(headers);
  if (framing instanceof RouterError) return framing;
  const path = request.getUrl();
  const query = request.getQuery() ?? '';
  // Bytes that are no UTF-8 are lost at this point, so the engine would see another URL.
  if (path.includes('\ufffd') || query.includes('\ufffd')) {
    return badHead('the URL is not valid UTF-8');
  }
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
function refuse(response: UwsResponse, error: RouterError): void {
  let aborted = false;
  response.onAborted(() => {
    aborted = true;
  });
  setImmediate(() => {
    if (aborted) return;
    response.cork(() => {
      response.writeStatus('400 Bad Request');
      response.writeHeader('content-type', 'application/json');
      response.end(errorBody(error), true);
    });
  });
}
