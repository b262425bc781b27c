// An engine on a free port that does to its sockets what a test says; it parses just enough HTTP to know
// when a request is complete.
import { createServer, type Socket } from 'node:net';

export interface EngineRequestSeen {
  readonly head: string;
  readonly body: Buffer;
  readonly socket: Socket;
  /** Requests on this socket before this one. */
  readonly earlier: number;
}

export interface ScriptedEngine extends Disposable {
  readonly url: string;
  readonly port: number;
  readonly requests: readonly EngineRequestSeen[];
  readonly sockets: ReadonlySet<Socket>;
  readonly connections: number;
}

export async function scriptedEngine(
  answer: (request: EngineRequestSeen) => void,
): Promise<ScriptedEngine> {
  const requests: EngineRequestSeen[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer({ noDelay: true }, (socket) => {
    connections++;
    sockets.add(socket);
    let pending = Buffer.alloc(0);
    let earlier = 0;
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (chunk) => {
      pending = Buffer.concat([pending, chunk]);
      for (;;) {
        const headEnd = pending.indexOf('\r\n\r\n');
        if (headEnd === -1) return;
        const head = pending.toString('latin1', 0, headEnd);
        const length = Number(/^content-length: (\d+)$/im.exec(head)?.[1] ?? 0);
        const bodyEnd = headEnd + 4 + length;
        if (pending.length < bodyEnd) return;
        const body = Buffer.from(pending.subarray(headEnd + 4, bodyEnd));
        pending = pending.subarray(bodyEnd);
        const request = { head, body, socket, earlier: earlier++ };
        requests.push(request);
        answer(request);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    port: address.port,
    requests,
    sockets,
    get connections() {
      return connections;
    },
    [Symbol.dispose]: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** A whole response with a length. */
export function wholeResponse(body: string, status = '200 OK', headers = ''): string {
  return `HTTP/1.1 ${status}\r\n${headers}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

/** One chunk of a chunked response. */
export function framed(chunk: string): string {
  return `${Buffer.byteLength(chunk).toString(16)}\r\n${chunk}\r\n`;
}
