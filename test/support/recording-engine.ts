// An engine that keeps the requests it gets and answers them as a test says; the pages that the
// router polls it answers by itself.
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { TestContext } from 'node:test';
import { TEST_MODEL } from './router.js';

export interface ReceivedRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface RecordedAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface RecordingEngine {
  readonly url: string;
  readonly requests: readonly ReceivedRequest[];
  /** Names in /v1/models besides the base model. */
  readonly adapters: Set<string>;
}

const POLLED: ReadonlySet<string> = new Set(['/health', '/metrics', '/v1/models']);

export async function recordingEngine(
  context: TestContext,
  answer: (request: ReceivedRequest, engine: RecordingEngine) => RecordedAnswer,
): Promise<RecordingEngine> {
  const requests: ReceivedRequest[] = [];
  const adapters = new Set<string>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url: target = '', headers } = request;
      const received = { method, target, headers, body: Buffer.concat(chunks).toString() };
      const isPoll = method === 'GET' && POLLED.has(target);
      if (!isPoll) requests.push(received);
      const said = isPoll ? polled(target, adapters) : answer(received, engine);
      const { status = 200, headers: own = {}, body = '' } = said;
      response.writeHead(status, { 'content-type': 'application/json', ...own });
      response.end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const engine = { url: `http://127.0.0.1:${address.port}`, requests, adapters };
  context.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return engine;
}

function polled(target: string, adapters: ReadonlySet<string>): RecordedAnswer {
  if (target !== '/v1/models') return {};
  const data = [
    { id: TEST_MODEL, parent: null, max_model_len: 4096 },
    ...[...adapters].map((id) => ({ id, parent: TEST_MODEL })),
  ];
  return { body: JSON.stringify({ object: 'list', data }) };
}
