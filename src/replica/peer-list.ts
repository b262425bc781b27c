// The other routers of a service: admin ports as configured, a name with several addresses meaning
// all of them, as the name of a headless Service does.
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';

export class PeerList {
  readonly #urls: readonly string[];

  /** `http://host:port` or `https://...`, without a trailing slash. */
  constructor(urls: readonly string[]) {
    this.#urls = urls;
  }

  get isEmpty(): boolean {
    return this.#urls.length === 0;
  }

  /** URLs of single routers as of now, this one perhaps among them. A name that is not known means
   * none: peers come and go. */
  async resolve(): Promise<readonly string[]> {
    const lists = await Promise.all(this.#urls.map(addressesOf));
    return [...new Set(lists.flat())];
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
