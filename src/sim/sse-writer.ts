// SseWriter: events of one streamed answer, one write each, kept while the client is slow.
import type { Exchange } from '../http/exchange.js';

const HEADERS = [
  ['content-type', 'text/event-stream; charset=utf-8'],
  ['cache-control', 'no-cache'],
] as const;

export class SseWriter {
  private readonly exchange: Exchange;
  // Bounded by the tokens of the answer.
  private readonly kept: Buffer[] = [];
  private blocked = false;
  private ending = false;

  /** Starts the response with its first event. */
  constructor(exchange: Exchange, headers: readonly (readonly [string, string])[]) {
    this.exchange = exchange;
    exchange.start(200, [...HEADERS, ...headers], null);
  }

  event(text: string): void {
    this.raw(`data: ${text}\n\n`);
  }

  /** An event with a name, as the APIs of Anthropic and of responses have them. */
  named(name: string, value: object): void {
    this.raw(`event: ${name}\ndata: ${JSON.stringify(value)}\n\n`);
  }

  /** Text that is complete events already. */
  raw(text: string): void {
    const bytes = Buffer.from(text);
    if (this.blocked) this.kept.push(bytes);
    else this.write(bytes);
  }

  end(): void {
    this.ending = true;
    if (!this.blocked) this.exchange.end();
  }

  private write(bytes: Buffer): void {
    if (this.exchange.write(bytes)) return;
    this.blocked = true;
    this.exchange.onDrain(() => this.resume());
  }

  private resume(): void {
    this.blocked = false;
    while (!this.blocked) {
      const next = this.kept.shift();
      if (next === undefined) break;
      this.write(next);
    }
    if (this.ending && !this.blocked) this.exchange.end();
  }
}
