// The other routers of a service: admin ports as configured, a name with several addresses meaning
// all of them, as the name of a headless Service does.
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';

export interface PeerAddress {
  /** Of one router's admin port, without a trailing slash. */
  readonly url: string;
  /** What its certificate is made out to, with the port; null: what the URL says. */
  readonly host: string | null;
}

export class PeerList {
  readonly #urls: readonly string[];
  readonly #ownPort: number;

  /** `http://host:port` or `https://...`, without a trailing slash. `ownPort`: a name's address that is
   * one of this machine's with this port is this router. */
  constructor(urls: readonly string[], ownPort: number) {
    this.#urls = urls;
    this.#ownPort = ownPort;
  }

  get isEmpty(): boolean {
    return this.#urls.length === 0;
  }

  /** URLs of single routers as of now; this one may be among them under an address that it does not
   * know. A name that is not known means none: peers come and go. */
  async resolve(): Promise<readonly PeerAddress[]> {
    const lists = await Promise.all(this.#urls.map(addressesOf));
    const byUrl = new Map(lists.flat().map((peer) => [peer.url, peer]));
    return [...byUrl.values()].filter(({ url }) => !this.#isOwn(new URL(url)));
  }

  #isOwn({ hostname, port }: URL): boolean {
    if (Number(port) !== this.#ownPort) return false;
    const host = hostname.replace(/^\[|\]$/g, '');
    return Object.values(networkInterfaces()).some((addresses) =>
      addresses?.some(({ address }) => address === host),
    );
  }
}

async function addressesOf(text: string): Promise<readonly PeerAddress[]> {
  const url = new URL(text);
  if (isIP(url.hostname.replace(/^\[|\]$/g, '')) !== 0) return [{ url: text, host: null }];
  try {
    const found = await lookup(url.hostname, { all: true });
    return found.map(({ address, family }) => {
      const one = new URL(text);
      one.hostname = family === 6 ? `[${address}]` : address;
      const host = url.protocol === 'https:' ? url.host : null;
      return { url: one.href.replace(/\/+$/, ''), host };
    });
  } catch {
    return [];
  }
}
