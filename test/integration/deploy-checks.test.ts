// What `npm run deploy:check` would say of deploy/ with one thing wrong in it.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  // Manifests are edited below as the YAML that they are.
  spec?: Record<string, unknown>;
  rules?: { verbs: string[]; resources: string[]; apiGroups: string[] }[];
  data?: Record<string, string>;
}

const { crossChecks }: { crossChecks(objects: readonly Manifest[]): string[] } = await import(
  join(ROOT, 'scripts/deploy/cluster-checks.mjs')
);
const { render }: { render(folder: string): Manifest[] } = await import(
  join(ROOT, 'scripts/deploy/kustomize.mjs')
);

/** Problems of the production overlay after an edit of one of its objects. */
function problemsWith(key: string, edit: (manifest: Manifest) => void): string {
  const objects = render(join(ROOT, 'deploy/overlays/production'));
  const found = objects.find(({ kind, metadata }) => `${kind} ${metadata.name}` === key);
  assert.ok(found !== undefined, key);
  edit(found);
  return crossChecks(objects).join('\n');
}

/** What stands at a path of a manifest, as something that can be edited. */
function at(manifest: Manifest, ...path: (string | number)[]): Record<string | number, unknown> {
  let value: unknown = manifest.spec;
  for (const step of path) {
    assert.ok(typeof value === 'object' && value !== null, String(step));
    value = Reflect.get(value, step);
  }
  assert.ok(typeof value === 'object' && value !== null, path.join('.'));
  return value as Record<string | number, unknown>;
}

const POD = ['template', 'spec'] as const;
const ROUTER = [...POD, 'containers', 0] as const;

const MISTAKES: readonly {
  readonly what: string;
  readonly key: string;
  readonly edit: (manifest: Manifest) => void;
  readonly says: RegExp;
}[] = [
  {
    what: 'an account that reads single objects',
    key: 'Role warmpath',
    edit: (role) => role.rules?.[0]?.verbs.push('get'),
    says: /Role warmpath: nobody needs get/,
  },
  {
    what: 'an account that reads secrets',
    key: 'Role warmpath',
    edit: (role) => role.rules?.[0]?.resources.push('secrets'),
    says: /nobody follows \/secrets/,
  },
  {
    what: 'an account that may not list pods',
    key: 'Role warmpath',
    edit: (role) => role.rules?.shift(),
    says: /no Role lets the router list and watch pods/,
  },
  {
    what: 'KV events that every pod of the namespace reaches',
    key: 'NetworkPolicy warmpath-engines',
    edit: (policy) => {
      at(policy, 'ingress', 0)['from'] = [{ podSelector: {} }];
    },
    says: /warmpath-engines: anybody reaches KV events/,
  },
  {
    what: 'KV events that another namespace reaches',
    key: 'NetworkPolicy warmpath-engines',
    edit: (policy) => {
      at(policy, 'ingress', 1)['ports'] = [{ port: 5000, endPort: 8007 }];
    },
    says: /anybody reaches KV events/,
  },
  {
    what: 'a policy that closes the replay port',
    key: 'NetworkPolicy warmpath',
    edit: (policy) => {
      const rules = Object.values(at(policy, 'egress'));
      const engines = rules.find((rule) => JSON.stringify(rule).includes('warmpath/engine'));
      Reflect.set(engines as object, 'ports', [{ port: 8000 }, { port: 5557 }]);
    },
    says: /closes port 5567/,
  },
  {
    what: 'a grace period shorter than the drain',
    key: 'Deployment warmpath',
    edit: (deployment) => {
      at(deployment, ...POD)['terminationGracePeriodSeconds'] = 60;
    },
    says: /grace period is 60 s, 135 s are needed/,
  },
  {
    what: 'a root that can be written to',
    key: 'Deployment warmpath',
    edit: (deployment) => {
      at(deployment, ...ROUTER, 'securityContext')['readOnlyRootFilesystem'] = false;
    },
    says: /router may write/,
  },
  {
    what: 'no readiness probe',
    key: 'Deployment warmpath',
    edit: (deployment) => {
      delete at(deployment, ...ROUTER)['readinessProbe'];
    },
    says: /no readinessProbe/,
  },
  {
    what: 'replicas that may all stand in one zone',
    key: 'Deployment warmpath',
    edit: (deployment) => {
      at(deployment, ...POD)['topologySpreadConstraints'] = [];
    },
    says: /not spread over topology\.kubernetes\.io\/zone/,
  },
  {
    what: 'replicas that both autoscaler and manifest say',
    key: 'Deployment warmpath',
    edit: (deployment) => {
      at(deployment)['replicas'] = 2;
    },
    says: /replicas are the autoscaler/,
  },
  {
    what: 'an autoscaler that flaps',
    key: 'HorizontalPodAutoscaler warmpath',
    edit: (autoscaler) => {
      at(autoscaler, 'behavior', 'scaleDown')['stabilizationWindowSeconds'] = 30;
    },
    says: /after 30 s: it will flap/,
  },
  {
    what: 'a Service for a port that no pod has',
    key: 'Service warmpath-peers',
    edit: (service) => {
      at(service, 'ports', 0)['targetPort'] = 'gone';
    },
    says: /Service warmpath-peers: no pod has port gone/,
  },
  {
    what: 'a budget for pods that are not there',
    key: 'PodDisruptionBudget warmpath',
    edit: (budget) => {
      at(budget, 'selector')['matchLabels'] = { a: 'b' };
    },
    says: /PodDisruptionBudget warmpath: selects no pod/,
  },
  {
    what: 'peers behind a Service of another name',
    key: 'Service warmpath-peers',
    edit: (service) => {
      Reflect.set(service.metadata, 'name', 'warmpath-others');
    },
    says: /peers: there is no Service warmpath-peers/,
  },
  {
    what: 'a policy that keeps peers apart',
    key: 'NetworkPolicy warmpath',
    edit: (policy) => {
      const rules = Object.values(at(policy, 'egress'));
      at(policy)['egress'] = rules.filter((rule) => !JSON.stringify(rule).includes('9090'));
    },
    says: /peers: the NetworkPolicy closes port 9090/,
  },
  {
    what: 'engines that the router does not look for',
    key: 'StatefulSet vllm',
    edit: (set) => {
      at(set, 'template', 'metadata', 'labels')['warmpath/model'] = 'another';
    },
    says: /no engine has the labels warmpath\/model=qwen/,
  },
];

test('production as it is has nothing wrong, and everything that a cluster wants of it', () => {
  const objects = render(join(ROOT, 'deploy/overlays/production'));
  assert.deepEqual(crossChecks(objects), []);
  const kinds = new Set(objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`));
  for (const key of [
    ...['Deployment warmpath', 'Service warmpath', 'Service warmpath-peers', 'StatefulSet vllm'],
    ...['ServiceAccount warmpath', 'Role warmpath', 'RoleBinding warmpath'],
    ...['PodDisruptionBudget warmpath', 'PodDisruptionBudget vllm'],
    ...['NetworkPolicy warmpath', 'NetworkPolicy warmpath-engines', 'ConfigMap warmpath-dashboard'],
    ...['HorizontalPodAutoscaler warmpath', 'PodMonitor warmpath', 'PrometheusRule warmpath'],
  ]) {
    assert.ok(kinds.has(key), key);
  }
});

for (const { what, key, edit, says } of MISTAKES) {
  test(`deploy:check finds ${what}`, () => {
    assert.match(problemsWith(key, edit), says);
  });
}
