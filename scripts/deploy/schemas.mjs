// Validates objects against published schemas: those of Kubernetes 1.33, the Prometheus operator and KEDA
// as packages carry them, and for the rest the constraints that their CRDs state.
//
// The packages' validators know what is required, types and enumerations, but let unknown fields pass, as
// the API's own schema does. Their TypeScript types do not: every object is also compiled as a literal.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const root = fileURLToPath(new URL('../../', import.meta.url));
const PACKAGES = [
  { group: /^(monitoring\.coreos\.com)\//, name: '@kubernetes-models/prometheus-operator' },
  { group: /^(keda\.sh)\//, name: '@kubernetes-models/keda' },
  { group: /^v1$|^apps\/|^policy\/|^autoscaling\/|\.k8s\.io\//, name: 'kubernetes-models' },
];

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

/** Kinds without a package: what their published CustomResourceDefinitions demand. */
const OWN = {
  'inference.networking.k8s.io/v1 InferencePool': (object) => {
    const problems = onlyKeys(object.spec, 'spec', [
      ...['selector', 'targetPorts', 'endpointPickerRef', 'appProtocol'],
    ]);
    const { selector, targetPorts = [], endpointPickerRef } = object.spec;
    problems.push(...onlyKeys(selector, 'spec.selector', ['matchLabels']));
    if (Object.keys(selector?.matchLabels ?? {}).length > 64) problems.push('at most 64 labels');
    if (targetPorts.length < 1 || targetPorts.length > 8) problems.push('1 to 8 target ports');
    const numbers = targetPorts.map(({ number }) => number);
    if (new Set(numbers).size !== numbers.length) problems.push('target ports must differ');
    if (!numbers.every(isPort)) problems.push('a target port is no port');
    if (endpointPickerRef === undefined) return [...problems, 'spec.endpointPickerRef is required'];
    const { name, kind = 'Service', port, failureMode = 'FailClose' } = endpointPickerRef;
    if (!DNS_LABEL.test(name ?? '')) problems.push('endpointPickerRef.name is no name');
    if (kind === 'Service' && !isPort(port?.number))
      problems.push('endpointPickerRef needs a port');
    if (!['FailOpen', 'FailClose'].includes(failureMode))
      problems.push(`failureMode ${failureMode}`);
    return problems;
  },
  'serving.kserve.io/v1alpha1 LLMInferenceService': (object) => {
    const problems = onlyKeys(object.spec, 'spec', [
      ...[
        'model',
        'replicas',
        'parallelism',
        'template',
        'worker',
        'prefill',
        'router',
        'baseRefs',
      ],
    ]);
    const { model, template } = object.spec;
    problems.push(...onlyKeys(model, 'spec.model', ['uri', 'name', 'criticality', 'lora']));
    if (!/^(hf|pvc|oci|s3|gs):\/\//.test(model?.uri ?? ''))
      problems.push('spec.model.uri has no scheme');
    // The template is a PodSpec: Kubernetes' own schema judges it.
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'template' }, spec: template };
    for (const container of template?.containers ?? []) container.image ??= 'set-by-kserve';
    return [...problems, ...validate(pod)];
  },
};

/** What is wrong with one object; empty when nothing is. */
export function validate(object) {
  const { apiVersion, kind } = object;
  const own = OWN[`${apiVersion} ${kind}`];
  if (own !== undefined) return own(structuredClone(object));
  const found = PACKAGES.find(({ group }) => group.test(apiVersion));
  if (found === undefined) return [`no schema for ${apiVersion} ${kind}`];
  const Model = require(`${found.name}/${apiVersion}`)[kind];
  if (Model === undefined) return [`${found.name} has no ${apiVersion} ${kind}`];
  try {
    new Model(structuredClone(object)).validate();
    return [];
  } catch (failure) {
    return [String(failure.message)];
  }
}

/** Fields that no schema knows, in any of the objects, as the compiler says it. */
export function unknownFields(objects) {
  const folder = join(root, 'dist', 'deploy-check');
  mkdirSync(folder, { recursive: true });
  const lines = objects.flatMap(({ label, object }, i) => {
    const { apiVersion, kind } = object;
    const found = PACKAGES.find(({ group }) => group.test(apiVersion));
    if (found === undefined || OWN[`${apiVersion} ${kind}`] !== undefined) return [];
    return [
      `// ${label}`,
      `import type { I${kind} as K${i} } from '${found.name}/${apiVersion}/${kind}';`,
      `export const object${i}: K${i} = ${JSON.stringify(object)};`,
    ];
  });
  const file = join(folder, 'manifests.ts');
  writeFileSync(file, `${lines.join('\n')}\n`);
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const flags = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--types', ''];
  try {
    execFileSync(process.execPath, [tsc, '--ignoreConfig', ...flags, file], { encoding: 'utf8' });
    return [];
  } catch (failure) {
    return String(failure.stdout).trim().split('\n');
  }
}

function onlyKeys(value, path, known) {
  return Object.keys(value ?? {})
    .filter((key) => !known.includes(key))
    .map((key) => `${path}.${key} is not known`);
}

function isPort(value) {
  return Number.isInteger(value) && value >= 1 && value <= 65535;
}
