// Objects of a Kubernetes API for tests, and the paths of their collections.

export const PODS = '/api/v1/namespaces/llm/pods';
export const SLICES = '/apis/discovery.k8s.io/v1/namespaces/llm/endpointslices';
export const POOLS = '/apis/inference.networking.k8s.io/v1/namespaces/llm/inferencepools';

export interface KubeTestObject {
  readonly metadata: {
    readonly name: string;
    readonly uid?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly [field: string]: unknown;
  };
  readonly [field: string]: unknown;
}

export interface PodChoices {
  readonly uid?: string;
  readonly ip?: string;
  readonly phase?: string;
  readonly ready?: boolean;
  readonly terminating?: boolean;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
}

export function pod(name: string, choices: PodChoices = {}): KubeTestObject {
  const { ip = '10.0.0.1', ready = true, terminating = false, annotations } = choices;
  const { phase = 'Running' } = choices;
  return {
    metadata: {
      name,
      uid: choices.uid ?? `uid-${name}`,
      labels: choices.labels ?? { app: 'vllm' },
      ...(annotations === undefined ? {} : { annotations }),
      ...(terminating ? { deletionTimestamp: '2026-11-25T00:00:00Z' } : {}),
    },
    status: {
      phase,
      podIP: ip,
      podIPs: [{ ip }],
      conditions: [
        { type: 'Initialized', status: 'True' },
        { type: 'Ready', status: ready ? 'True' : 'False' },
      ],
    },
  };
}
