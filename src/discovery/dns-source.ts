// DnsSource: every address that a name resolves to is an engine, as with a headless Service.
import { lookup as systemLookup } from 'node:dns/promises';
import type { DnsConfig } from '../config/endpoint-schema.js';
import type { EndpointSource, SourceListener } from './endpoint-source.js';
import { endpointsOf } from './engine-ports.js';

/** All addresses of a name; rejects as node:dns does. */
export type Lookup = (host: string) => Promise<readonly string[]>;

/** The system's resolver, which knows a cluster's search domains; addresses in any order. */
const lookupAll: Lookup = async (host) => {
  const found = await systemLookup(host, { all: true });
  return found.map(({ address }) => address);
};

/** A headless Service without ready pods does not exist to DNS, and neither does any name to a resolver
 * that has just restarted. So often in a row, it is believed. */
const ABSENT_BELIEVED = 3;
const ABSENT_CODES: ReadonlySet<unknown> = new Set(['ENOTFOUND', 'ENODATA']);

export class DnsSource implements EndpointSource {
  readonly #config: DnsConfig;
  readonly #listener: SourceListener;
  readonly #lookup: Lookup;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  #absent = 0;

  constructor(config: DnsConfig, listener: SourceListener, lookup: Lookup = lookupAll) {
    this.#config = config;
    this.#listener = listener;
    this.#lookup = lookup;
    void this.#look();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  /** Never rejects. */
  async #look(): Promise<void> {
    const { host, intervalMs } = this.#config;
    try {
      const addresses = await this.#lookup(host);
      this.#absent = 0;
      if (!this.#closed) this.#tell(addresses);
    } catch (failure) {
      if (!this.#closed) this.#fail(failure);
    }
    if (this.#closed) return;
    this.#timer = setTimeout(() => void this.#look(), intervalMs);
  }

  #fail(failure: unknown): void {
    const isAbsent =
      failure instanceof Error && 'code' in failure && ABSENT_CODES.has(failure.code);
    this.#absent = isAbsent ? this.#absent + 1 : 0;
    if (this.#absent >= ABSENT_BELIEVED) this.#tell([]);
    else this.#listener.failed(`${this.#config.host} does not resolve: ${String(failure)}`);
  }

  #tell(addresses: readonly string[]): void {
    const { port, ...ports } = this.#config;
    const engines = [...new Set(addresses)].sort().flatMap((host) => {
      const name = `${host.includes(':') ? `[${host}]` : host}:${port}`;
      const engine = { name, host, identity: null, draining: false };
      return endpointsOf(engine, { ...ports, ports: [port] });
    });
    this.#listener.list(engines);
  }
}
