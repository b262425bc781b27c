// Every workload by name.
import { GENERATED_WORKLOADS } from './workloads/generated-list.js';
import { RECORDED_WORKLOADS } from './workloads/recorded-list.js';
import { SHARED_PREFIX_WORKLOADS } from './workloads/shared-prefix-list.js';
import type { WorkloadKind } from './workloads/workload-kind.js';

export const WORKLOADS: readonly WorkloadKind[] = [
  ...SHARED_PREFIX_WORKLOADS.slice(0, 1),
  ...RECORDED_WORKLOADS,
  ...SHARED_PREFIX_WORKLOADS.slice(1),
  ...GENERATED_WORKLOADS,
];
