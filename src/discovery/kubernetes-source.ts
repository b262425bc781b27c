// KubernetesSource: pods by selector, by Service or by InferencePool, as the API server tells of them.
import { setTimeout as delay } from 'node:timers/promises';
import type { KubernetesConfig } from '../config/endpoint-schema.js';
import { Backoff } from './backoff.js';
import { readEndpointSlice, sliceEndpoints } from './endpoint-slice.js';
import type { EndpointSource, SourceListener } from './endpoint-source.js';
import type { EnginePorts } from './engine-ports.js';
import { type InferencePool, readInferencePool } from './inference-pool.js';
import { KubeApi } from './kube-api.js';
import { KubeWatch, type WatchTiming } from './kube-watch.js';
import { podEndpoints, readPod } from './pod.js';
import { ReadinessMemory } from './readiness-memory.js';

export interface KubernetesSourceOptions {
  readonly config: KubernetesConfig;
  readonly listener: SourceListener;
  /** In [0, 1). */
  readonly random: () => number;
  /** Names carry the namespace where endpoints come from several. */
  readonly qualified: boolean;
  readonly timing?: Partial<WatchTiming>;
}

interface Closable {
  close(): void;
}

type Query = Readonly<Record<string, string>>;

export class KubernetesSource implements EndpointSource {
  readonly #options: KubernetesSourceOptions;
  readonly #stop = new AbortController();
  readonly #ports: EnginePorts;
  #watches: Closable[] = [];
  /** What the pool's pods are followed by, to tell a change that concerns us from any other. */
  #poolKey = '';

  constructor(options: KubernetesSourceOptions) {
    this.#options = options;
    const { port, ...ports } = options.config;
    this.#ports = { ...ports, ports: [port] };
    void this.#open();
  }

  close(): void {
    this.#stop.abort();
    for (const watch of this.#watches) watch.close();
  }

  /** Never rejects. */
  async #open(): Promise<void> {
    const { config, listener, random } = this.#options;
    const { signal } = this.#stop;
    const backoff = new Backoff(random);
    while (!signal.aborted) {
      try {
        const api = await KubeApi.open(config.kubeconfig);
        if (!signal.aborted) this.#follow(api);
        return;
      } catch (failure) {
        // A mounted token or kubeconfig may come a moment after us.
        listener.failed(failure instanceof Error ? failure.message : String(failure));
        await delay(backoff.nextMs(), undefined, { signal }).catch(() => {});
      }
    }
  }

  #follow(api: KubeApi): void {
    const { selector, service, inferencePool } = this.#options.config;
    const namespace = this.#options.config.namespace ?? api.namespace ?? 'default';
    if (service !== null) this.#followService(api, namespace, service);
    else if (inferencePool !== null) this.#followPool(api, namespace, inferencePool);
    else if (selector !== null) {
      this.#watches.push(this.#pods(api, namespace, selector, this.#ports));
    }
  }

  #followService(api: KubeApi, namespace: string, service: string): void {
    const memory = new ReadinessMemory();
    const { portName: name } = this.#options.config;
    const port = { name, ports: this.#ports };
    this.#watches.push(
      this.#watch(
        api,
        `/apis/discovery.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/endpointslices`,
        { labelSelector: `kubernetes.io/service-name=${service}` },
        readEndpointSlice,
        (slices) => {
          const endpoints = sliceEndpoints(slices, memory, port, this.#prefix(namespace));
          this.#options.listener.list(endpoints);
        },
      ),
    );
  }

  #followPool(api: KubeApi, namespace: string, pool: string): void {
    const group = '/apis/inference.networking.k8s.io/v1';
    this.#watches.push(
      this.#watch(
        api,
        `${group}/namespaces/${encodeURIComponent(namespace)}/inferencepools`,
        { fieldSelector: `metadata.name=${pool}` },
        readInferencePool,
        ([found]) => this.#poolIs(api, namespace, pool, found),
      ),
    );
  }

  #poolIs(api: KubeApi, namespace: string, pool: string, found: InferencePool | undefined): void {
    if (found === undefined) {
      // Whoever deletes a pool to make it anew does not mean to stop its engines.
      this.#poolKey = '';
      this.#options.listener.failed(`there is no InferencePool ${pool} in namespace ${namespace}`);
      return;
    }
    const key = JSON.stringify(found);
    if (key === this.#poolKey) return;
    this.#poolKey = key;
    const ports = { ...this.#ports, ports: found.targetPorts };
    const [poolWatch, ...podWatches] = this.#watches;
    for (const watch of podWatches) watch.close();
    const pods = this.#pods(api, namespace, found.labelSelector, ports);
    this.#watches = poolWatch === undefined ? [pods] : [poolWatch, pods];
  }

  #pods(api: KubeApi, namespace: string, labelSelector: string, ports: EnginePorts): Closable {
    const memory = new ReadinessMemory();
    return this.#watch(
      api,
      `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`,
      { labelSelector },
      readPod,
      (pods) => {
        const endpoints = podEndpoints(pods, memory, ports, this.#prefix(namespace));
        this.#options.listener.list(endpoints);
      },
    );
  }

  #watch<T>(
    api: KubeApi,
    path: string,
    query: Query,
    read: (object: unknown) => T,
    onObjects: (objects: readonly T[]) => void,
  ): Closable {
    const { listener, random, timing } = this.#options;
    const onFailure = (reason: string) => listener.failed(reason);
    const base = { api, path, query, read, onObjects, onFailure, random };
    return new KubeWatch<T>(timing === undefined ? base : { ...base, timing });
  }

  #prefix(namespace: string): string {
    return this.#options.qualified ? `${namespace}/` : '';
  }
}
