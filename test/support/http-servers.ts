// Starts a server of either implementation on a free port for the length of one test.
import {
  createServer,
  type ExchangeHandler,
  type HttpImplementation,
  type HttpServer,
  type ServerCertificate,
} from '../../src/http/server.js';

export const IMPLEMENTATIONS: readonly HttpImplementation[] = ['uwebsockets', 'node'];

export interface Served extends Disposable {
  readonly server: HttpServer;
  readonly port: number;
}

export async function serve(
  httpImplementation: HttpImplementation,
  handler: ExchangeHandler,
  certificate: ServerCertificate | null = null,
): Promise<Served> {
  const server = createServer(handler, { httpImplementation, certificate });
  const port = await server.listen('127.0.0.1', 0);
  return { server, port, [Symbol.dispose]: () => server.close() };
}
