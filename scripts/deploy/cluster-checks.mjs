// What schemas cannot say: names that must meet, times that must fit, and that the router accepts its own
// configuration.
import { parseConfig } from '../../dist/src/config/config.js';
import {
  containerProblems,
  eventPortProblems,
  isOpen,
  missingRights,
  rightProblems,
} from './security-checks.mjs';

/** Kubernetes' own default; every replica that comes has caches to learn. */
const QUIET_SECONDS = 300;
const POD_KINDS = new Set(['Deployment', 'StatefulSet']);

/** What does not fit together among the objects of one kustomization. */
export function crossChecks(objects) {
  const problems = [];
  const say = (object, text) => problems.push(`${object.kind} ${object.metadata.name}: ${text}`);
  const named = (kind, name) => objects.find((o) => o.kind === kind && o.metadata.name === name);
  const workloads = objects.filter(({ kind }) => POD_KINDS.has(kind));
  const podsOf = (labels) =>
    workloads.filter(({ spec }) => includes(spec.template.metadata.labels, labels ?? {}));

  for (const workload of workloads) {
    const { spec } = workload;
    const { spec: pod, metadata } = spec.template;
    if (!includes(metadata.labels, spec.selector.matchLabels)) say(workload, 'selects other pods');
    if (spec.serviceName !== undefined && named('Service', spec.serviceName) === undefined) {
      say(workload, `there is no Service ${spec.serviceName}`);
    }
    const account = pod.serviceAccountName;
    if (account !== undefined && named('ServiceAccount', account) === undefined) {
      say(workload, `there is no ServiceAccount ${account}`);
    }
    for (const { name, configMap } of pod.volumes ?? []) {
      if (configMap !== undefined && named('ConfigMap', configMap.name) === undefined) {
        say(workload, `volume ${name}: there is no ConfigMap ${configMap.name}`);
      }
    }
    for (const container of [...(pod.initContainers ?? []), ...pod.containers]) {
      for (const problem of containerProblems(container, pod)) say(workload, problem);
    }
  }
  for (const object of objects) {
    const { kind, spec } = object;
    if (kind === 'Service' && podsOf(spec.selector).length === 0) say(object, 'selects no pod');
    if (kind === 'Service') {
      for (const { targetPort } of spec.ports) {
        const exists = podsOf(spec.selector).some((workload) =>
          portNames(workload).has(String(targetPort)),
        );
        if (!exists && podsOf(spec.selector).length > 0)
          say(object, `no pod has port ${targetPort}`);
      }
    }
    if (kind === 'PodDisruptionBudget' && podsOf(spec.selector.matchLabels).length === 0) {
      say(object, 'selects no pod');
    }
    if (kind === 'HorizontalPodAutoscaler') {
      const { kind: target, name } = spec.scaleTargetRef;
      const scaled = named(target, name);
      const quietSeconds = spec.behavior?.scaleDown?.stabilizationWindowSeconds ?? 0;
      if (quietSeconds < QUIET_SECONDS)
        say(object, `scales down after ${quietSeconds} s: it will flap`);
      if (scaled === undefined) say(object, `there is no ${target} ${name}`);
      else if (scaled.spec.replicas !== undefined)
        say(scaled, 'replicas are the autoscaler’s to say');
    }
    if (kind === 'PodMonitor') {
      for (const { port } of spec.podMetricsEndpoints) {
        const pods = podsOf(spec.selector.matchLabels);
        if (!pods.some((workload) => portNames(workload).has(port))) say(object, `no port ${port}`);
      }
    }
    if (kind === 'RoleBinding' && named('Role', object.roleRef.name) === undefined) {
      say(object, `there is no Role ${object.roleRef.name}`);
    }
  }
  return [
    ...problems,
    ...rightProblems(objects),
    ...eventPortProblems(objects),
    ...routerProblems(objects),
  ];
}

/** The router's configuration is read as the router reads it, and held against what is around it. */
function routerProblems(objects) {
  const deployment = objects.find(({ kind, metadata }) => {
    return kind === 'Deployment' && metadata.name === 'warmpath';
  });
  if (deployment === undefined) return [];
  const pod = deployment.spec.template.spec;
  const name = pod.volumes.find((volume) => volume.name === 'config').configMap.name;
  const map = objects.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === name);
  const { config, warnings } = parseConfig(
    map.data['warmpath.yaml'],
    '/etc/warmpath/warmpath.yaml',
  );
  const problems = warnings.map((warning) => `warmpath.yaml: ${warning}`);
  const router = pod.containers.find((container) => container.name === 'router');
  for (const probe of ['startupProbe', 'readinessProbe', 'livenessProbe']) {
    if (router[probe] === undefined) problems.push(`the router has no ${probe}`);
  }
  if (router.resources?.limits?.memory === undefined) problems.push('its memory has no limit');
  const spread = new Set((pod.topologySpreadConstraints ?? []).map((one) => one.topologyKey));
  for (const key of ['topology.kubernetes.io/zone', 'kubernetes.io/hostname']) {
    if (!spread.has(key)) problems.push(`replicas are not spread over ${key}`);
  }
  const preStopSeconds = router.lifecycle.preStop.sleep.seconds;
  const needed = preStopSeconds + config.timeouts.drainMs / 1000 + 5;
  if (pod.terminationGracePeriodSeconds < needed) {
    problems.push(
      `the grace period is ${pod.terminationGracePeriodSeconds} s, ${needed} s are needed`,
    );
  }
  const ports = new Map(router.ports.map((port) => [port.name, port.containerPort]));
  if (ports.get('http') !== config.listen.port) problems.push('another API port is configured');
  if (ports.get('admin') !== config.listen.adminPort)
    problems.push('another admin port is configured');
  const policy = objects.find(({ kind, metadata }) => {
    return kind === 'NetworkPolicy' && metadata.name === 'warmpath';
  });
  const open = (port) =>
    policy.spec.egress.some(({ to, ports: ranges }) => to !== undefined && isOpen(ranges, port));
  for (const peer of config.peers) {
    const { hostname, port } = new URL(peer);
    const exists = objects.some(
      ({ kind, metadata }) => kind === 'Service' && metadata.name === hostname,
    );
    if (!exists && !hostname.includes('.')) problems.push(`peers: there is no Service ${hostname}`);
    if (!open(Number(port))) problems.push(`peers: the NetworkPolicy closes port ${port}`);
  }
  for (const { sources } of config.models) {
    for (const source of sources) {
      if (source.kind !== 'kubernetes') continue;
      for (const port of [source.port, source.kvEventsPort, source.kvReplayPort]) {
        if (port !== null && !open(port)) problems.push(`the NetworkPolicy closes port ${port}`);
      }
      problems.push(...selectorProblems(source.selector, objects));
      problems.push(...missingRights(source, objects));
    }
  }
  for (const peer of config.peers) {
    const { hostname, port } = new URL(peer);
    const service = objects.find(({ kind, metadata }) => {
      return kind === 'Service' && metadata.name === hostname;
    });
    if (service?.spec.clusterIP !== 'None') problems.push(`${hostname} is no headless Service`);
    // The address of a headless Service is a pod's: its ports are the pod's.
    if (Number(port) !== config.listen.adminPort) problems.push(`${peer} is not the admin port`);
    if (!open(Number(port))) problems.push(`the NetworkPolicy closes port ${port} of peers`);
  }
  return problems;
}

/** Engines in the same kustomization are meant to be found. */
function selectorProblems(selector, objects) {
  const engines = objects.filter(({ kind }) => kind === 'StatefulSet');
  if (selector === null || engines.length === 0) return [];
  const labels = Object.fromEntries(selector.split(',').map((part) => part.split('=')));
  const found = engines.some(({ spec }) => includes(spec.template.metadata.labels, labels));
  return found ? [] : [`no engine has the labels ${selector}`];
}

function portNames({ spec }) {
  return new Set(
    spec.template.spec.containers.flatMap(({ ports = [] }) => ports.map(({ name }) => name)),
  );
}

function includes(labels, wanted) {
  return Object.entries(wanted).every(([key, value]) => labels?.[key] === value);
}
