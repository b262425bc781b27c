// Sends requests over kept-alive connections and notes what the router says about each decision.
//
// A server closes connections that idle for long, as they do while the next row is made warm. Such a
// connection is dropped when its end is seen; a request that was sent before that goes out once more.
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
/** The longest prompt of a cold engine takes seconds; a benchmark that waits for ever says nothing. */
const ANSWER_DEADLINE_MS = 30_000;

export class LoadClient {
  readonly #port: number;
  readonly #deadlineMs: number;
  readonly #idle: Connection[] = [];
  readonly #open = new Set<Connection>();

  constructor(port: number, deadlineMs = ANSWER_DEADLINE_MS) {
    this.#port = port;
    this.#deadlineMs = deadlineMs;
  }

  /** So many requests are unanswered that the router does not keep up. */
  get isFull(): boolean {
    return this.#open.size - this.#idle.length >= CONNECTIONS_MAX;
  }

  /** Rejects when the router cannot be reached, breaks a fresh connection, or does not answer in time. */
  async post(path: string, body: Uint8Array, dueMs: number): Promise<Answer> {
    const kept = this.#idle.pop();
    if (kept !== undefined) {
      try {
        return await this.#send(kept, path, body, dueMs);
      } catch (error) {
        if (!(error instanceof Unanswered)) throw error;
      }
    }
    return this.#send(this.#connect(), path, body, dueMs);
  }

  close(): void {
    for (const connection of this.#open) connection.close();
  }

  async #send(
    connection: Connection,
    path: string,
    body: Uint8Array,
    dueMs: number,
  ): Promise<Answer> {
    const answer = await connection.post(path, body, dueMs);
    if (connection.isOpen) this.#idle.push(connection);
    return answer;
  }

  #connect(): Connection {
    if (this.isFull) throw new Error(`${CONNECTIONS_MAX} requests are unanswered`);
    const connection = new Connection(this.#port, this.#deadlineMs, () => this.#forget(connection));
    this.#open.add(connection);
    return connection;
  }

  #forget(connection: Connection): void {
    this.#open.delete(connection);
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
  }
}

/** The connection ended before the first byte of an answer. */
class Unanswered extends Error {}

interface Waiting {
  readonly dueMs: number;
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

class Connection {
  readonly #socket: Socket;
  readonly #deadlineMs: number;
  #received = '';
  #waiting: Waiting | null = null;

  constructor(port: number, deadlineMs: number, onClose: () => void) {
    this.#deadlineMs = deadlineMs;
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket.setEncoding('latin1');
    this.#socket.on('data', (text: string) => this.#read(text));
    this.#socket.on('timeout', () => {
      this.#settle()?.reject(new Error(`no answer within ${deadlineMs} ms`));
      this.#socket.destroy();
    });
    this.#socket.on('error', ({ message }) => this.#end(message));
    this.#socket.on('close', () => {
      onClose();
      this.#end('connection closed');
    });
  }

  /** Neither side has ended it. */
  get isOpen(): boolean {
    return this.#socket.readyState === 'open';
  }

  post(path: string, body: Uint8Array, dueMs: number): Promise<Answer> {
    const head =
      `POST ${path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n` +
      `content-length: ${body.length}\r\n\r\n`;
    this.#received = '';
    this.#socket.setTimeout(this.#deadlineMs);
    this.#socket.cork();
    this.#socket.write(head);
    this.#socket.write(body);
    this.#socket.uncork();
    return new Promise((resolve, reject) => {
      this.#waiting = { dueMs, resolve, reject };
    });
  }

  close(): void {
    this.#waiting = null;
    this.#socket.destroy();
  }

  #settle(): Waiting | null {
    const waiting = this.#waiting;
    this.#waiting = null;
    // An idle connection may stay: only an answer has a deadline.
    this.#socket.setTimeout(0);
    return waiting;
  }

  #end(reason: string): void {
    const isAnswered = this.#received !== '';
    this.#settle()?.reject(isAnswered ? new Error(reason) : new Unanswered(reason));
  }

  #read(text: string): void {
    this.#received += text;
    const end = this.#received.indexOf('\r\n\r\n');
    if (end < 0) return;
    const head = this.#received.slice(0, end);
    if (this.#received.length < end + 4 + headerNumber(head, 'content-length')) return;
    const waiting = this.#settle();
    waiting?.resolve({
      status: Number(head.slice(9, 12)),
      latencyMs: performance.now() - waiting.dueMs,
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
