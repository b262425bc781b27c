// What nobody may do: rights of the router's account, of its containers, and who reaches KV events.

const READING = new Set(['list', 'watch']);
/** What each kind of source follows, as API group and resource. */
const FOLLOWED = {
  selector: '/pods',
  service: 'discovery.k8s.io/endpointslices',
  inferencePool: 'inference.networking.k8s.io/inferencepools',
};

/** Discovery lists and watches three kinds; whoever gets into a router must not get further by its account. */
export function rightProblems(objects) {
  const roles = objects.filter(({ kind }) => ['Role', 'ClusterRole'].includes(kind));
  return roles.flatMap(({ kind, metadata, rules }) => {
    const where = `${kind} ${metadata.name}`;
    if (kind === 'ClusterRole') return [`${where}: a Role is enough`];
    return rules.flatMap(({ apiGroups, resources, verbs }) => [
      ...verbs.filter((verb) => !READING.has(verb)).map((verb) => `${where}: nobody needs ${verb}`),
      ...apiGroups.flatMap((group) =>
        resources
          .filter((resource) => !Object.values(FOLLOWED).includes(`${group}/${resource}`))
          .map((resource) => `${where}: nobody follows ${group}/${resource}`),
      ),
    ]);
  });
}

/** ZMQ has no authentication: only engines and routers of this namespace may come to its ports. */
export function eventPortProblems(objects) {
  const policies = objects.filter(({ kind }) => kind === 'NetworkPolicy');
  return policies.flatMap(({ metadata, spec }) =>
    (spec.ingress ?? []).flatMap(({ from = [], ports = [] }) => {
      const opens = ports.length === 0 || isOpen(ports, 5557) || isOpen(ports, 5567);
      const areKnown = from.length > 0 && from.every(isRouterOrEngine);
      return opens && !areKnown
        ? [`NetworkPolicy ${metadata.name}: anybody reaches KV events`]
        : [];
    }),
  );
}

function isRouterOrEngine({ namespaceSelector, ipBlock, podSelector }) {
  if (namespaceSelector !== undefined || ipBlock !== undefined) return false;
  const labels = podSelector?.matchLabels ?? {};
  return (
    labels['app.kubernetes.io/name'] === 'warmpath' ||
    labels['warmpath/engine'] === 'true' ||
    labels['kserve.io/component'] === 'workload'
  );
}

export function containerProblems(container, pod) {
  const problems = [];
  const { name, securityContext = {}, volumeMounts = [], image = '' } = container;
  if (securityContext.allowPrivilegeEscalation !== false) problems.push(`${name} may escalate`);
  if (!securityContext.capabilities?.drop?.includes('ALL'))
    problems.push(`${name} has capabilities`);
  if (image.endsWith(':latest')) problems.push(`${name} runs whatever is latest`);
  if (container.resources?.requests === undefined) problems.push(`${name} requests nothing`);
  const isOurs = image.split(':')[0]?.endsWith('warmpath') === true;
  if (isOurs && securityContext.readOnlyRootFilesystem !== true) problems.push(`${name} may write`);
  if (isOurs && pod.securityContext?.runAsNonRoot !== true) problems.push(`${name} may be root`);
  if (pod.securityContext?.seccompProfile === undefined)
    problems.push('there is no seccomp profile');
  for (const mount of volumeMounts) {
    const exists = pod.volumes.some((volume) => volume.name === mount.name);
    if (!exists) problems.push(`${name}: there is no volume ${mount.name}`);
  }
  const ports = new Set((container.ports ?? []).map((port) => port.name));
  for (const probe of ['startupProbe', 'readinessProbe', 'livenessProbe']) {
    const port = container[probe]?.httpGet?.port;
    if (port !== undefined && !ports.has(port)) problems.push(`${probe}: no port ${port}`);
  }
  return problems;
}

/** A router that may not list its engines has none. */
export function missingRights(source, objects) {
  const rules = objects.filter(({ kind }) => kind === 'Role').flatMap((role) => role.rules);
  const needed = Object.keys(FOLLOWED).filter((key) => source[key] !== null);
  // The pool says which pods.
  if (source.inferencePool !== null) needed.push('selector');
  return needed
    .map((key) => FOLLOWED[key].split('/'))
    .filter(([group, resource]) => {
      const of = rules.filter((rule) => rule.apiGroups.includes(group));
      const verbs = of
        .filter((rule) => rule.resources.includes(resource))
        .flatMap((rule) => rule.verbs);
      return ![...READING].every((verb) => verbs.includes(verb));
    })
    .map(([, resource]) => `no Role lets the router list and watch ${resource}`);
}

export function isOpen(ranges, port) {
  return ranges.some(({ port: from, endPort = from }) => from <= port && port <= endPort);
}
