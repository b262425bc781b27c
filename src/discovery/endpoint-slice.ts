// EndpointSlices of a Service as engines. A pod may stand in several: with each address family, and in
// two at once while it moves between them.
import type { WantedEndpoint } from '../endpoint/endpoint.js';
import { type EnginePorts, endpointsOf } from './engine-ports.js';
import { fieldsOf, itemsOf, portOf, textOf } from './kube-object.js';
import type { PodState, ReadinessMemory } from './readiness-memory.js';

export interface SliceEndpoint extends PodState {
  readonly name: string;
  readonly ip: string;
}

export interface EndpointSlice {
  readonly family: string;
  readonly endpoints: readonly SliceEndpoint[];
  /** Target ports by name; a Service with a single port may leave it unnamed: ''. */
  readonly ports: ReadonlyMap<string, number>;
}

/** Throws when the object is no EndpointSlice. */
export function readEndpointSlice(object: unknown): EndpointSlice {
  const { addressType, endpoints, ports } = fieldsOf(object, 'the EndpointSlice');
  const named = itemsOf(ports, 'ports').map((item): [string, number | null] => {
    const { name, port } = fieldsOf(item, 'a port');
    return [textOf(name) ?? '', portOf(port)];
  });
  return {
    family: textOf(addressType) ?? '',
    endpoints: itemsOf(endpoints, 'endpoints').flatMap(readEndpoint),
    ports: new Map(named.flatMap(([name, port]) => (port === null ? [] : [[name, port]]))),
  };
}

function readEndpoint(item: unknown): SliceEndpoint[] {
  const { addresses, conditions, targetRef } = fieldsOf(item, 'an endpoint');
  // The addresses of one entry are one endpoint; consumers use the first.
  const ip = textOf(itemsOf(addresses, 'addresses')[0]);
  if (ip === null) return [];
  const { ready, serving, terminating } = fieldsOf(conditions, 'conditions');
  const { name, uid } = fieldsOf(targetRef, 'targetRef');
  return [
    {
      name: textOf(name) ?? ip,
      // Endpoints that somebody wrote by hand point at no pod: their address is all there is.
      uid: textOf(uid) ?? ip,
      ip,
      // Unknown counts as ready, as the API says. `ready` is false for a terminating one in any case.
      ready: (serving ?? ready) !== false && ready !== false,
      terminating: terminating === true,
    },
  ];
}

export interface ServicePort {
  readonly name: string | null;
  readonly ports: EnginePorts;
}

/** `port.name` null: the configured number, whatever the Service says. */
export function sliceEndpoints(
  slices: readonly EndpointSlice[],
  memory: ReadinessMemory,
  { name: portName, ports }: ServicePort,
  prefix: string,
): WantedEndpoint[] {
  const family = slices.some((slice) => slice.family === 'IPv4') ? 'IPv4' : 'IPv6';
  const found = new Map<string, SliceEndpoint & { readonly port: readonly number[] }>();
  for (const slice of slices) {
    if (slice.family !== family) continue;
    const target = portName === null ? null : slice.ports.get(portName);
    if (target === undefined) continue;
    const port = target === null ? ports.ports : [target];
    for (const endpoint of slice.endpoints) {
      const known = found.get(endpoint.uid);
      // Of two slices one is stale; being ready in either is the later news while a pod moves.
      if (known?.ready !== true) found.set(endpoint.uid, { ...endpoint, port });
    }
  }
  return memory.judge([...found.values()]).flatMap(({ pod, draining }) => {
    const engine = { name: `${prefix}${pod.name}`, host: pod.ip, identity: pod.uid, draining };
    return endpointsOf(engine, { ...ports, ports: pod.port });
  });
}
