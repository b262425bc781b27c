// UwsTlsApps: apps of uWebSockets.js that speak TLS for an acceptor, which deals them its connections.
//
// An app has one certificate for its life. Another certificate is another app: the acceptor deals to the
// new one, and the old one goes on for as long as it has connections. (uWebSockets.js means this for
// threads, but takes apps of the same thread as well.)
import { ConfigError } from '../errors.js';
import type { ServerCertificate } from './server.js';
import type { UWebSockets, UwsApp } from './uwebsockets.js';

interface TlsApp {
  readonly app: UwsApp;
  connections: number;
}

/** A connection that was accepted just before another app took over may still be on its way. */
const LOOK_EVERY_MS = 1000;

export class UwsTlsApps {
  readonly #uws: UWebSockets;
  readonly #acceptor: UwsApp;
  readonly #attach: (app: UwsApp, onConnections: (change: number) => void) => void;
  #current: TlsApp | null = null;
  readonly #leaving = new Set<TlsApp>();
  readonly #timer: NodeJS.Timeout;

  /** `attach` gives an app its handlers. REQUIRES: an acceptor that is a TLS app itself, whose own
   * certificate is never shown. */
  constructor(
    uws: UWebSockets,
    acceptor: UwsApp,
    attach: (app: UwsApp, onConnections: (change: number) => void) => void,
  ) {
    this.#uws = uws;
    this.#acceptor = acceptor;
    this.#attach = attach;
    this.#timer = setInterval(() => this.#closeIdle(), LOOK_EVERY_MS).unref();
  }

  /** For the connections that come from now on. Throws ConfigError when the files are no certificate and
   * its key; then nothing has changed. */
  use(certificate: ServerCertificate): void {
    const next: TlsApp = { app: openTlsApp(this.#uws, certificate), connections: 0 };
    this.#attach(next.app, (change) => {
      next.connections += change;
    });
    this.#acceptor.addChildAppDescriptor(next.app.getDescriptor());
    if (this.#current !== null) {
      this.#acceptor.removeChildAppDescriptor(this.#current.app.getDescriptor());
      this.#leaving.add(this.#current);
    }
    this.#current = next;
  }

  close(): void {
    clearInterval(this.#timer);
    for (const { app } of this.#leaving) app.close();
    this.#leaving.clear();
    this.#current?.app.close();
    this.#current = null;
  }

  #closeIdle(): void {
    for (const one of this.#leaving) {
      if (one.connections > 0) continue;
      this.#leaving.delete(one);
      one.app.close();
    }
  }
}

/** Throws ConfigError when the files are no certificate and its key. */
export function openTlsApp(uws: UWebSockets, { certFile, keyFile }: ServerCertificate): UwsApp {
  try {
    return uws.SSLApp({ cert_file_name: certFile, key_file_name: keyFile });
  } catch {
    // It does not say more.
    throw new ConfigError(
      `${certFile} and ${keyFile} are not a certificate and its key: write both files whole, as PEM without a passphrase`,
    );
  }
}
