// From an engine's host to its endpoints: one a server, or one a data-parallel rank of each.
import type { WantedEndpoint } from '../endpoint/endpoint.js';

/** Ports of an engine, the same for all its addresses. */
export interface EnginePorts {
  readonly scheme: 'http' | 'https';
  /** One server behind each. */
  readonly ports: readonly number[];
  /** Of rank 0; rank N publishes at this plus N, as vLLM does. null: no events, or central mode. */
  readonly kvEventsPort: number | null;
  readonly kvReplayPort: number | null;
  /** Ranks behind each server. */
  readonly dataParallelSize: number;
}

export interface DiscoveredEngine {
  readonly name: string;
  /** IPv4 or IPv6 address without brackets, or a host name. */
  readonly host: string;
  readonly identity: string | null;
  readonly draining: boolean;
}

/** Names tell servers apart by `:port` and ranks by `/dpN`, where there are several. */
export function endpointsOf(engine: DiscoveredEngine, ports: EnginePorts): WantedEndpoint[] {
  const { name, identity, draining } = engine;
  const host = engine.host.includes(':') ? `[${engine.host}]` : engine.host;
  const { scheme, kvEventsPort, kvReplayPort, dataParallelSize: size } = ports;
  const address = (port: number | null, rank: number) =>
    port === null ? null : `tcp://${host}:${port + rank}`;
  return ports.ports.flatMap((port, server) => {
    const serverName = ports.ports.length > 1 ? `${name}:${port}` : name;
    return Array.from({ length: size }, (_, rank) => {
      const global = server * size + rank;
      return {
        name: size > 1 ? `${serverName}/dp${rank}` : serverName,
        url: `${scheme}://${host}:${port}`,
        kvEvents: address(kvEventsPort, global),
        kvReplay: address(kvReplayPort, global),
        // A server with one rank is not told which: it would refuse any number but its own.
        dataParallelRank: size > 1 ? rank : null,
        ...{ identity, draining },
      };
    });
  });
}
