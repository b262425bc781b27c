// ReadinessMemory: what to do with pods that are not ready.
//
// One that has been ready drains: it has requests in flight, and may come back with its cache. One that
// has not been yet is still loading its model: it is no endpoint, and polls would only fail.

export interface PodState {
  readonly uid: string;
  readonly ready: boolean;
  readonly terminating: boolean;
}

export class ReadinessMemory {
  #wasReady = new Set<string>();

  /** The pods that are endpoints, each with whether it drains. */
  judge<P extends PodState>(pods: readonly P[]): { readonly pod: P; readonly draining: boolean }[] {
    const remembered = new Set<string>();
    const judged = pods.flatMap((pod) => {
      const takesRequests = pod.ready && !pod.terminating;
      if (!takesRequests && !this.#wasReady.has(pod.uid)) return [];
      remembered.add(pod.uid);
      return [{ pod, draining: !takesRequests }];
    });
    // Whoever is not listed any more will not come back under its UID.
    this.#wasReady = remembered;
    return judged;
  }
}
