// RawClient: a TCP connection that sends exactly the bytes a test wants and keeps what comes back.
import { connect, type Socket } from 'node:net';

export interface RawClient {
  readonly socket: Socket;
  /** Everything received so far, one character per byte. */
  received(): string;
  readonly receivedBytes: number;
  send(bytes: string | Uint8Array): void;
  /** Ends when the received text fulfils the condition, or the connection has ended. */
  until(condition: (received: string) => boolean): Promise<string>;
  /** Ends when the connection has ended, by either side and in any way. */
  closed(): Promise<string>;
  readonly isClosed: boolean;
}

export function rawClient(port: number): Promise<RawClient> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const chunks: Buffer[] = [];
    let receivedBytes = 0;
    let isClosed = false;
    let waiters: (() => void)[] = [];
    const wake = () => {
      const woken = waiters;
      waiters = [];
      for (const waiter of woken) waiter();
    };
    const received = () => Buffer.concat(chunks).toString('latin1');
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      receivedBytes += chunk.length;
      wake();
    });
    socket.on('error', reject);
    socket.on('close', () => {
      isClosed = true;
      wake();
    });
    const client: RawClient = {
      socket,
      received,
      send: (bytes) => {
        socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
      },
      until: async (condition) => {
        while (!condition(received()) && !isClosed) {
          await new Promise<void>((wakeUp) => waiters.push(wakeUp));
        }
        return received();
      },
      closed: () => client.until(() => false),
      get receivedBytes() {
        return receivedBytes;
      },
      get isClosed() {
        return isClosed;
      },
    };
    socket.once('connect', () => resolve(client));
  });
}

export interface RawResponse {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Chunks of a chunked body as they were framed, or the whole body as one. */
  readonly chunks: readonly string[];
  /** What follows this response on the connection. */
  readonly rest: string;
}

/** The first response in the received bytes; null while it is incomplete. */
export function parseResponse(received: string, isHead = false): RawResponse | null {
  const headEnd = received.indexOf('\r\n\r\n');
  if (headEnd === -1) return null;
  const [statusLine = '', ...lines] = received.slice(0, headEnd).split('\r\n');
  const status = Number(statusLine.split(' ')[1]);
  const headers = lines.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
  });
  const body = received.slice(headEnd + 4);
  const value = (name: string) => headers.find(([key]) => key === name)?.[1];
  if (isHead || status === 204 || status === 304 || status < 200) {
    return { status, headers, chunks: [], rest: body };
  }
  if (value('transfer-encoding') !== 'chunked') {
    const length = Number(value('content-length'));
    if (body.length < length) return null;
    return { status, headers, chunks: [body.slice(0, length)], rest: body.slice(length) };
  }
  const chunks: string[] = [];
  for (let at = 0; ; ) {
    const lineEnd = body.indexOf('\r\n', at);
    if (lineEnd === -1) return null;
    const size = Number.parseInt(body.slice(at, lineEnd), 16);
    const start = lineEnd + 2;
    if (body.length < start + size + 2) return null;
    at = start + size + 2;
    if (size === 0) return { status, headers, chunks, rest: body.slice(at) };
    chunks.push(body.slice(start, start + size));
  }
}

/** Sends one request and returns its response, looked for from byte `before` on; fails when the
 * connection ends before the response is whole. */
export async function exchangeRaw(
  client: RawClient,
  request: string,
  before = client.receivedBytes,
): Promise<RawResponse> {
  client.send(request);
  const isHead = request.startsWith('HEAD ');
  const final = (text: string): RawResponse | null => {
    const response = parseResponse(text, isHead);
    return response !== null && response.status < 200 ? final(response.rest) : response;
  };
  const received = await client.until((text) => final(text.slice(before)) !== null);
  const response = final(received.slice(before));
  if (response === null) throw new Error(`connection ended after ${JSON.stringify(received)}`);
  return response;
}
