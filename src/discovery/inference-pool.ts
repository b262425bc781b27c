// InferencePool (inference.networking.k8s.io/v1): which pods belong to it, on which ports.
import { fieldsOf, itemsOf, portOf } from './kube-object.js';

export interface InferencePool {
  readonly labelSelector: string;
  /** One server behind each: the ranks of a data-parallel engine. */
  readonly targetPorts: readonly number[];
}

/** Throws when it selects nothing or has no port. */
export function readInferencePool(object: unknown): InferencePool {
  const { spec } = fieldsOf(object, 'the InferencePool');
  const { selector, targetPorts } = fieldsOf(spec, 'spec');
  const { matchLabels } = fieldsOf(selector, 'spec.selector');
  const labels = Object.entries(fieldsOf(matchLabels, 'spec.selector.matchLabels'));
  // An empty selector would mean every pod of the namespace.
  if (labels.length === 0) throw new Error('spec.selector.matchLabels is empty');
  const ports = itemsOf(targetPorts, 'spec.targetPorts').flatMap((item) => {
    const port = portOf(fieldsOf(item, 'a target port')['number']);
    return port === null ? [] : [port];
  });
  if (ports.length === 0) throw new Error('spec.targetPorts names no port');
  const labelSelector = labels.map(([key, value]) => `${key}=${String(value)}`).sort();
  return { labelSelector: labelSelector.join(','), targetPorts: ports };
}
