// Ports: the two servers of a router, their certificates, and their end.
import { isDeepStrictEqual } from 'node:util';
import type { CertificateConfig } from '../config/certificate-config.js';
import type { Config } from '../config/config.js';
import {
  createServer,
  type ExchangeHandler,
  type HttpImplementation,
  type HttpServer,
} from '../http/server.js';
import { log } from '../log.js';
import type { Metrics } from '../metrics.js';
import { drained } from './drain.js';

export interface PortHandlers {
  readonly api: ExchangeHandler;
  readonly admin: ExchangeHandler;
}

type Listen = Config['listen'];

export class Ports {
  #settings: Listen;
  readonly #api: HttpServer;
  readonly #admin: HttpServer;
  readonly #metrics: Metrics;

  /** Throws ConfigError for a certificate that cannot be used. */
  constructor(
    settings: Listen,
    { api, admin }: PortHandlers,
    metrics: Metrics,
    httpImplementation: HttpImplementation = 'auto',
  ) {
    this.#settings = settings;
    this.#metrics = metrics;
    this.#api = createServer(api, { certificate: settings.tls, httpImplementation });
    this.#admin = createServer(admin, { certificate: settings.adminTls, httpImplementation });
    this.#noteExpiry();
  }

  /** Listens on both; returns their URLs. Rejects with ConfigError. */
  async listen(): Promise<{ readonly url: string; readonly adminUrl: string }> {
    const { host, port, adminHost, adminPort, tls, adminTls } = this.#settings;
    const url = urlOf(tls, host, await this.#api.listen(host, port));
    return {
      url,
      adminUrl: urlOf(adminTls, adminHost, await this.#admin.listen(adminHost, adminPort)),
    };
  }

  /** Certificates for the connections that come from now on. Throws ConfigError when one cannot be used. */
  renew(settings: Listen): void {
    const before = this.#settings;
    renew('API', this.#api, before.tls, settings.tls);
    renew('admin', this.#admin, before.adminTls, settings.adminTls);
    this.#settings = settings;
    this.#noteExpiry();
  }

  /** Refuses new connections of clients, and waits until requests in flight have ended, at most so long. */
  async drain(graceMs: number): Promise<void> {
    this.#api.stopAccepting();
    await drained(this.#api, graceMs);
  }

  close(): void {
    this.#api.close();
    this.#admin.close();
  }

  #noteExpiry(): void {
    const { tls, adminTls } = this.#settings;
    for (const [port, certificate] of [['api', tls] as const, ['admin', adminTls] as const]) {
      if (certificate === null) continue;
      this.#metrics.certificateExpiry.set({ port }, certificate.expiresMs / 1000);
    }
  }
}

function renew(
  port: string,
  server: HttpServer,
  before: CertificateConfig | null,
  next: CertificateConfig | null,
): void {
  if (next === null || isDeepStrictEqual(before, next)) return;
  server.renew(next);
  log.info('certificate renewed', { port, expires: new Date(next.expiresMs).toISOString() });
}

/** An address that means "all" is shown as one that can be opened. */
function urlOf(certificate: CertificateConfig | null, host: string, port: number): string {
  const scheme = certificate === null ? 'http' : 'https';
  const shown = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `${scheme}://${shown.includes(':') ? `[${shown}]` : shown}:${port}`;
}
