// An engine behind TLS that answers only those who show its key, in front of a simulated one.
import { request } from 'node:http';
import { createServer } from 'node:https';
import type { TestContext } from 'node:test';
import type { ServerCertificate } from '../../src/http/server.js';
import type { TestEngine } from './router.js';

export interface GuardedEngine extends TestEngine {
  /** Method and path of what was answered, and of what came without the key. */
  readonly admitted: ReadonlySet<string>;
  readonly refused: ReadonlySet<string>;
}

export async function guardEngine(
  context: TestContext,
  engine: TestEngine,
  { certificate, key }: { readonly certificate: ServerCertificate; readonly key: string },
): Promise<GuardedEngine> {
  const admitted = new Set<string>();
  const refused = new Set<string>();
  const server = createServer({ cert: certificate.cert, key: certificate.key }, (asked, answer) => {
    const { method = '', url = '', headers } = asked;
    const what = `${method} ${url}`;
    if (headers.authorization !== `Bearer ${key}`) {
      refused.add(what);
      answer.writeHead(401).end('{"error":"Unauthorized"}');
      return;
    }
    admitted.add(what);
    const passed = request(`${engine.url}${url}`, { method, headers }, (from) => {
      answer.writeHead(from.statusCode ?? 502, from.headers);
      from.pipe(answer);
    });
    passed.on('error', () => answer.destroy());
    answer.on('close', () => passed.destroy());
    asked.pipe(passed);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  context.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { ...engine, url: `https://127.0.0.1:${address.port}`, admitted, refused };
}
