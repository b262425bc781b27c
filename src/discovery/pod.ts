// Pods as engines: what their status and annotations say.
import type { WantedEndpoint } from '../endpoint/endpoint.js';
import { type EnginePorts, endpointsOf } from './engine-ports.js';
import { type Fields, fieldsOf, itemsOf, textOf } from './kube-object.js';
import type { PodState, ReadinessMemory } from './readiness-memory.js';

export interface Pod extends PodState {
  readonly name: string;
  /** null: not scheduled yet, or over: an evicted pod stays listed, its address may be another's. */
  readonly ip: string | null;
  /** Where they differ from the configuration, as annotated. */
  readonly ports: Partial<EnginePorts>;
}

/** Annotations that a pod may carry, and what each overrides. */
export const POD_ANNOTATIONS = {
  'warmpath/scheme': 'scheme',
  'warmpath/port': 'port',
  'warmpath/kv-events-port': 'kvEventsPort',
  'warmpath/kv-replay-port': 'kvReplayPort',
  'warmpath/data-parallel-size': 'dataParallelSize',
} as const;

const RANKS_MAX = 256;
/** From these no pod comes back. */
const OVER: ReadonlySet<unknown> = new Set(['Failed', 'Succeeded']);

/** Throws when the object is no pod. */
export function readPod(object: unknown): Pod {
  const { metadata, status } = fieldsOf(object, 'the pod');
  const { name, uid, annotations, deletionTimestamp } = fieldsOf(metadata, 'metadata');
  const { phase, podIP, conditions } = fieldsOf(status, 'status');
  const podName = textOf(name);
  const podUid = textOf(uid);
  if (podName === null || podUid === null) throw new Error('the pod has no name or no uid');
  const isReady = itemsOf(conditions, 'conditions').some((condition) => {
    const { type, status: value } = fieldsOf(condition, 'a condition');
    return type === 'Ready' && value === 'True';
  });
  return {
    name: podName,
    uid: podUid,
    ip: OVER.has(phase) ? null : textOf(podIP),
    ready: isReady && phase === 'Running',
    terminating: textOf(deletionTimestamp) !== null,
    ports: annotatedPorts(fieldsOf(annotations, 'annotations'), podName),
  };
}

export function podEndpoints(
  pods: readonly Pod[],
  memory: ReadinessMemory,
  ports: EnginePorts,
  prefix: string,
): WantedEndpoint[] {
  return memory.judge(pods).flatMap(({ pod, draining }) => {
    if (pod.ip === null) return [];
    const engine = { name: `${prefix}${pod.name}`, host: pod.ip, identity: pod.uid, draining };
    return endpointsOf(engine, { ...ports, ...pod.ports });
  });
}

/** Throws for an annotation that is no port, so that the pod is left out rather than misread. */
function annotatedPorts(annotations: Fields, pod: string): Partial<EnginePorts> {
  const number = (key: keyof typeof POD_ANNOTATIONS, max: number) => {
    const given = annotations[key];
    if (given === undefined) return null;
    const value = typeof given === 'string' && /^\d{1,5}$/.test(given) ? Number(given) : 0;
    if (value >= 1 && value <= max) return value;
    throw new Error(`pod ${pod}: annotation ${key} is ${JSON.stringify(given)}, not 1 to ${max}`);
  };
  const scheme = annotations['warmpath/scheme'];
  if (scheme !== undefined && scheme !== 'http' && scheme !== 'https') {
    throw new Error(`pod ${pod}: annotation warmpath/scheme is neither http nor https`);
  }
  const port = number('warmpath/port', 65535);
  const kvEventsPort = number('warmpath/kv-events-port', 65535);
  const kvReplayPort = number('warmpath/kv-replay-port', 65535);
  const dataParallelSize = number('warmpath/data-parallel-size', RANKS_MAX);
  return {
    ...(scheme === undefined ? {} : { scheme }),
    ...(port === null ? {} : { ports: [port] }),
    ...(kvEventsPort === null ? {} : { kvEventsPort }),
    ...(kvReplayPort === null ? {} : { kvReplayPort }),
    ...(dataParallelSize === null ? {} : { dataParallelSize }),
  };
}
