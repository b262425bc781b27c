// Sends requests over kept-alive connections and notes what the router says about each decision.
import { connect, type Socket } from 'node:net';

export interface Answer {
  readonly status: number;
  /** From the moment the request was due to the end of its answer. */
  readonly latencyMs: number;
  /** The router's own figures, from its response headers. */
  readonly decisionUs: number;
  readonly promptTokens: number;
  readonly matchedTokens: number;
}

/** More than any row needs; a router this far behind has failed the row. */
const CONNECTIONS_MAX = 1024;

export class LoadClient {
  readonly #port: number;
  readonly #idle: Connection[] = [];
  readonly #all: Connection[] = [];

  constructor(port: number) {
    this.#port = port;
  }

  /** Rejects when the router cannot be reached or breaks the connection. */
  async post(path: string, body: Uint8Array, dueMs: number): Promise<Answer> {
    const connection = this.#idle.pop() ?? this.#open();
    const answer = await connection.post(path, body, dueMs);
    this.#idle.push(connection);
    return answer;
  }

  close(): void {
    for (const connection of this.#all) connection.close();
  }

  #open(): Connection {
    if (this.#all.length >= CONNECTIONS_MAX) {
      throw new Error(`${CONNECTIONS_MAX} requests are unanswered`);
    }
    const connection = new Connection(this.#port);
    this.#all.push(connection);
    return connection;
  }
}

class Connection {
  readonly #socket: Socket;
  #received = '';
  #dueMs = 0;
  #settle: { resolve(answer: Answer): void; reject(error: Error): void } | null = null;

  constructor(port: number) {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket.setEncoding('latin1');
    this.#socket.on('data', (text: string) => this.#read(text));
    this.#socket.on('error', (error) => this.#settle?.reject(error));
    this.#socket.on('close', () => this.#settle?.reject(new Error('connection closed')));
  }

  post(path: string, body: Uint8Array, dueMs: number): Promise<Answer> {
    const head =
      `POST ${path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n` +
      `content-length: ${body.length}\r\n\r\n`;
    this.#received = '';
    this.#dueMs = dueMs;
    this.#socket.cork();
    this.#socket.write(head);
    this.#socket.write(body);
    this.#socket.uncork();
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
  }

  close(): void {
    this.#settle = null;
    this.#socket.destroy();
  }

  #read(text: string): void {
    this.#received += text;
    const end = this.#received.indexOf('\r\n\r\n');
    if (end < 0) return;
    const head = this.#received.slice(0, end);
    if (this.#received.length < end + 4 + headerNumber(head, 'content-length')) return;
    const settle = this.#settle;
    this.#settle = null;
    settle?.resolve({
      status: Number(head.slice(9, 12)),
      latencyMs: performance.now() - this.#dueMs,
      decisionUs: headerNumber(head, 'x-warmpath-decision-us'),
      promptTokens: headerNumber(head, 'x-warmpath-prompt-tokens'),
      matchedTokens: headerNumber(head, 'x-warmpath-matched-tokens'),
    });
  }
}

/** NaN when there is no such header. */
function headerNumber(head: string, name: string): number {
  const at = head.toLowerCase().indexOf(`\r\n${name}:`);
  return at < 0 ? Number.NaN : Number.parseInt(head.slice(at + name.length + 3), 10);
}
