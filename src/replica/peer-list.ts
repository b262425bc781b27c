// The other routers of a service: admin ports as configured, a name with several addresses meaning
// all of them, as the name of a headless Service does.
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';

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
  async resolve(): Promise<readonly string[]> {
    const lists = await Promise.all(this.#urls.map(addressesOf));
    return [...new Set(lists.flat())].filter((url) => !this.#isOwn(new URL(url)));
  }

  #isOwn({ hostname, port }: URL): boolean {
    if (Number(port) !== this.#ownPort) return false;
    const host = hostname.replace(/^\[|\]$/g, '');
    return Object.values(networkInterfaces()).some((addresses) =>
      addresses?.some(({ address }) => address === host),
    );
  }
}

async function addressesOf(text: string): Promise<readonly string[]> {
  const url = new URL(text);
  // A certificate is made out to the name.
  if (url.protocol === 'https:' || isIP(url.hostname.replace(/^\[|\]$/g, '')) !== 0) return [text];
  try {
    const found = await lookup(url.hostname, { all: true });
    return found.map(({ address, family }) => {
      const one = new URL(text);
      one.hostname = family === 6 ? `[${address}]` : address;
      return one.href.replace(/\/+$/, '');
    });
  } catch {
    return [];
  }
}
