// Where the endpoints of a model come from, as configured.
import path from 'node:path';
import type {
  DnsConfig,
  EndpointsConfig,
  FileConfig,
  KubernetesConfig,
} from './endpoint-schema.js';
import type { Place } from './field.js';
import type { SchedulingPlan } from './scheduling-plan.js';

export interface EndpointConfig {
  readonly name: string;
  /** Base URL without a trailing slash. */
  readonly url: string;
  readonly kvEvents: string | null;
  readonly kvReplay: string | null;
  readonly dataParallelRank: number | null;
}

/** Where further endpoints of a model are learned from, at run time. */
export type SourceConfig =
  | ({ readonly kind: 'kubernetes' } & KubernetesConfig)
  | ({ readonly kind: 'dns' } & DnsConfig)
  | ({ readonly kind: 'file' } & FileConfig);

/** Ports that an EndpointPickerConfig gives for engines that are found. */
type EventPorts = NonNullable<SchedulingPlan['events']['discover']>;

/** Throws ConfigError for a source that is said twice over or not at all. */
export function sourcesOf(
  { kubernetes, dns, file }: EndpointsConfig,
  at: Place,
  folder: string,
): readonly SourceConfig[] {
  const sources: SourceConfig[] = [];
  if (kubernetes !== null) {
    const { selector, service, inferencePool, kubeconfig } = kubernetes;
    const ways = [selector, service, inferencePool].filter((way) => way !== null);
    if (ways.length !== 1) {
      at.child('kubernetes').fail('needs exactly one of selector, service and inferencePool');
    }
    const resolved = kubeconfig === null ? null : path.resolve(folder, kubeconfig);
    sources.push({ kind: 'kubernetes', ...kubernetes, kubeconfig: resolved });
  }
  if (dns !== null) sources.push({ kind: 'dns', ...dns });
  if (file !== null) sources.push({ kind: 'file', ...file, path: path.resolve(folder, file.path) });
  return sources;
}

/** Likewise for engines whose hosts are found later. */
export function discoveredSource(
  source: SourceConfig,
  { port, replayPort }: EventPorts,
): SourceConfig {
  if (source.kind === 'file' || source.kvEventsPort !== null) return source;
  return { ...source, kvEventsPort: port, kvReplayPort: source.kvReplayPort ?? replayPort };
}

/** Ranks publish at the port plus their number, replay likewise. */
export function discoveredEndpoint(
  endpoint: EndpointConfig,
  { port, replayPort }: EventPorts,
): EndpointConfig {
  if (endpoint.kvEvents !== null) return endpoint;
  const host = new URL(endpoint.url).hostname;
  const rank = endpoint.dataParallelRank ?? 0;
  const replay = replayPort === null ? null : `tcp://${host}:${replayPort + rank}`;
  return {
    ...endpoint,
    kvEvents: `tcp://${host}:${port + rank}`,
    kvReplay: endpoint.kvReplay ?? replay,
  };
}
