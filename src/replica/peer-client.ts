// Asks other routers over HTTP.
import { Agent, request } from 'undici';
import type { PeerAddress } from './peer-list.js';

/** A peer that sends nothing for this long is of no help. */
const SILENT_MS = 3_000;
const CONNECT_MS = 1_000;
/** A load report has some 60 bytes an endpoint that is busy. */
const LOAD_BYTES_MAX = 2 ** 20;
const REASON_BYTES = 500;

export class PeerClient {
  readonly #key: () => string | null;
  readonly #agent: Agent;

  /** `key`: what peers ask for on their admin ports; null: nothing. `ca`: PEM text, whom their
   * certificates may come from; null: Node's own list. */
  constructor(key: () => string | null, ca: string | null) {
    this.#key = key;
    this.#agent = new Agent({
      connect: { timeout: CONNECT_MS, ...(ca === null ? {} : { ca }) },
      headersTimeout: SILENT_MS,
      bodyTimeout: SILENT_MS,
    });
  }

  /** Body of `GET /peer/snapshot`. Rejects, or throws while it is read, with what the peer said. */
  async snapshot(peer: PeerAddress, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const { statusCode, body } = await request(`${peer.url}/peer/snapshot`, {
      dispatcher: this.#agent,
      headers: this.#headers(peer),
      signal,
    });
    if (statusCode === 200) return body;
    const reason = (await body.text()).slice(0, REASON_BYTES);
    throw new Error(`it answered ${statusCode}: ${reason.trim()}`);
  }

  /** Answer to `GET /peer/load`, not checked. Rejects after `timeoutMs`. */
  async load(peer: PeerAddress, timeoutMs: number): Promise<unknown> {
    const signal = AbortSignal.timeout(timeoutMs);
    const { statusCode, body } = await request(`${peer.url}/peer/load`, {
      dispatcher: this.#agent,
      headers: this.#headers(peer),
      signal,
    });
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of body) {
      bytes += chunk.length;
      if (bytes > LOAD_BYTES_MAX) throw new Error(`its load report has more than ${bytes} bytes`);
      chunks.push(chunk);
    }
    if (statusCode !== 200) throw new Error(`it answered ${statusCode}`);
    return JSON.parse(Buffer.concat(chunks).toString());
  }

  #headers({ host }: PeerAddress): Record<string, string> {
    const key = this.#key();
    return {
      ...(key === null ? {} : { authorization: `Bearer ${key}` }),
      // undici asks for the certificate of this name too.
      ...(host === null ? {} : { host }),
    };
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}
