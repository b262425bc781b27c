// TLS towards engines, for requests of clients and for the router's own questions.
import { Agent, type Dispatcher } from 'undici';

export type EngineDispatcher = Dispatcher;

export interface EngineTls {
  /** Whether certificates are checked. */
  readonly verify: boolean;
  /** PEM text of the CA; null: Node's own list. */
  readonly ca: string | null;
}

export interface TlsOptions {
  readonly rejectUnauthorized?: boolean;
  readonly ca?: string;
}

export function tlsOptions({ verify, ca }: EngineTls): TlsOptions {
  return {
    ...(verify ? {} : { rejectUnauthorized: false }),
    ...(ca === null ? {} : { ca }),
  };
}

/** For questions; null: undici's own will do. */
export function questionDispatcher(tls: EngineTls): EngineDispatcher | null {
  const connect = tlsOptions(tls);
  return Object.keys(connect).length === 0 ? null : new Agent({ connect });
}
