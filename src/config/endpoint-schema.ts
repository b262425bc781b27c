// Configuration keys of endpoints: fixed ones, and where others are learned from.
import { connectAddress, engineUrl } from './addresses.js';
import { choice, flag, type Infer, integer, list, optional, table, text } from './field.js';

/** Endpoints the prefix index can tell apart; the addon's `maxEndpoints`. */
const MAX_ENDPOINTS = 4096;
const MAX_RANKS = 256;

const port = (doc: string, fallback?: number) =>
  integer({ doc, ...(fallback === undefined ? {} : { fallback }), min: 1, max: 65535 });
/** Visible ASCII: it goes into a header and into metric labels. */
const label = (doc: string) =>
  text({ doc, pattern: /^[\x21-\x7e]{1,253}$/, form: 'visible ASCII without spaces' });

const fixed = {
  name: optional(label('Name in headers, metrics and logs.'), 'host:port of the URL'),
  url: engineUrl("Base URL of the engine's HTTP server."),
  kvEvents: optional(connectAddress("Address of the engine's event publisher.")),
  kvReplay: optional(connectAddress("Address of the engine's replay socket.")),
  dataParallelRank: optional(
    integer({ doc: 'Data-parallel rank behind the URL.', min: 0, max: 65535 }),
  ),
};

const staticEndpoint = table(fixed, 'One endpoint.');

/** How an engine is reached whose host alone is discovered. */
const ports = {
  scheme: choice(['http', 'https'], { doc: 'Of the HTTP server.', fallback: 'http' }),
  port: port('Port of the HTTP server.', 8000),
  kvEventsPort: optional(port('Port of the publisher; rank N publishes at the port plus N.')),
  kvReplayPort: optional(port('Port of the replay socket; rank N likewise.')),
  dataParallelSize: integer({
    doc: 'Data-parallel ranks behind each server; each of several is an endpoint of its own.',
    fallback: 1,
    min: 1,
    max: MAX_RANKS,
  }),
};

const kubernetes = table(
  {
    namespace: optional(text({ doc: 'Namespace of the engines.' }), "the router's own"),
    selector: optional(
      text({ doc: 'Label selector of pods; pods may say their ports in annotations.' }),
    ),
    service: optional(text({ doc: 'Service whose EndpointSlices are followed instead.' })),
    inferencePool: optional(
      text({ doc: 'InferencePool whose selector and target ports are followed instead.' }),
    ),
    ...ports,
    portName: optional(text({ doc: 'Port of the Service by name, in place of `port`.' })),
    kubeconfig: optional(
      text({ doc: 'kubeconfig file.' }),
      'KUBECONFIG, ~/.kube/config or the service account',
    ),
  },
  'Engines that are pods; one of selector, service and inferencePool says which.',
);

const dns = table(
  {
    host: text({ doc: 'Name that resolves to every engine, such as a headless Service.' }),
    ...ports,
    intervalMs: integer({
      doc: 'Between two look-ups.',
      fallback: 5000,
      unit: 'ms',
      min: 100,
      max: 3_600_000,
    }),
  },
  'Engines by DNS.',
);

const file = table(
  {
    path: text({
      doc: 'YAML or JSON with `endpoints`, a list like `static`; read when it changes.',
    }),
    intervalMs: integer({
      doc: 'Between two looks at it.',
      fallback: 1000,
      unit: 'ms',
      min: 50,
      max: 3_600_000,
    }),
  },
  'Engines listed in a file of their own.',
);

export const ENDPOINTS = table(
  {
    static: list(staticEndpoint, { doc: 'Fixed endpoints.', max: MAX_ENDPOINTS }),
    kubernetes: optional(kubernetes),
    dns: optional(dns),
    file: optional(file),
  },
  'Where the model is served; of several sources all endpoints count.',
);

/** Content of an endpoints file. */
export const ENDPOINTS_FILE = table(
  {
    endpoints: list(
      table(
        {
          ...fixed,
          id: optional(text({ doc: 'What is another when it is another engine.' })),
          draining: flag({ doc: 'It gets nothing new.', fallback: false }),
        },
        'One endpoint.',
      ),
      { doc: 'All endpoints there are.', max: MAX_ENDPOINTS },
    ),
  },
  'Endpoints.',
);

export type EndpointsConfig = Infer<typeof ENDPOINTS>;
export type KubernetesConfig = NonNullable<EndpointsConfig['kubernetes']>;
export type DnsConfig = NonNullable<EndpointsConfig['dns']>;
export type FileConfig = NonNullable<EndpointsConfig['file']>;
/** How engines are reached behind hosts that are discovered. */
export type PortsConfig = Pick<DnsConfig, keyof typeof ports>;
