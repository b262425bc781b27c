// `npm run deploy:check`: renders every kustomization of deploy/ and checks all that can be checked without
// a cluster and without a network.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { crossChecks } from './deploy/cluster-checks.mjs';
import { documentsOf, render } from './deploy/kustomize.mjs';
import { exportedNames, metricProblems, promtool } from './deploy/metric-checks.mjs';
import { unknownFields, validate } from './deploy/schemas.mjs';

const root = fileURLToPath(new URL('../', import.meta.url));
const deploy = join(root, 'deploy');
const TOPS = ['overlays/development', 'overlays/production', 'kserve'];
/** Applied by themselves. */
const SINGLES = [
  'autoscaling/keda-scaledobject.yaml',
  'autoscaling/horizontalpodautoscaler.yaml',
  'kserve/inferencepool.yaml',
];
const problems = [];
const labelled = [];

for (const top of TOPS) {
  const objects = render(join(deploy, top));
  for (const object of objects) labelled.push({ label: `${top}: ${nameOf(object)}`, object });
  problems.push(...crossChecks(objects).map((text) => `${top}: ${text}`));
  console.log(`${top}: ${objects.length} objects`);
}
for (const file of SINGLES) {
  for (const object of documentsOf(join(deploy, file))) labelled.push({ label: file, object });
}
for (const { label, object } of labelled) {
  problems.push(...validate(object).map((text) => `${label}: ${text}`));
}
problems.push(...unknownFields(labelled));
problems.push(...metricProblems(deploy, exportedNames()));
const judged = promtool(deploy, join(root, 'dist', 'deploy-check'));
if (judged === null)
  console.log('promtool is not installed: the grammar of queries is not checked');
else problems.push(...judged);
problems.push(...orphans());

for (const problem of problems) console.error(`wrong: ${problem}`);
console.log(`${labelled.length} objects, ${problems.length} problems`);
if (problems.length > 0) process.exitCode = 1;

function nameOf({ kind, metadata }) {
  return `${kind} ${metadata.name}`;
}

/** Manifests that nothing renders and nobody checks. */
function orphans() {
  const used = new Set(SINGLES);
  const visit = (folder) => {
    const [spec] = documentsOf(join(deploy, folder, 'kustomization.yaml'));
    const names = [...(spec.resources ?? []), ...(spec.components ?? [])];
    names.push(...(spec.patches ?? []).flatMap(({ path }) => path ?? []));
    names.push(...(spec.configMapGenerator ?? []).flatMap(({ files }) => files));
    for (const name of names) {
      const path = join(folder, name);
      if (name.endsWith('.yaml') || name.includes('.')) used.add(path);
      if (!/\.[a-z]+$/.test(name)) visit(path);
    }
  };
  for (const top of TOPS) visit(top);
  const others = /(^config|kustomization\.yaml$|adapter-rules\.yaml$|rules\.test\.yaml$)/;
  return readdirSync(deploy, { recursive: true })
    .filter((name) => name.endsWith('.yaml') && !others.test(name) && !used.has(name))
    .map((name) => `deploy/${name}: no kustomization uses it`);
}
