// Every metric that rules, dashboard and autoscalers name, against those that the router exports.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { createMetrics } from '../../dist/src/metrics.js';
import { documentsOf } from './kustomize.mjs';
import { metricNames } from './promql.mjs';

const RULES = 'components/monitoring/prometheusrule.yaml';
const DASHBOARD = 'components/monitoring/warmpath.json';
const ADAPTERS = ['components/custom-metrics/adapter-rules.yaml', 'autoscaling/adapter-rules.yaml'];

/** Names as queries write them: a histogram has three. */
export function exportedNames() {
  return createMetrics()
    .registry.describe()
    .flatMap(({ name, type }) =>
      type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
    );
}

/** Where each expression stands, and the expression. */
export function expressions(deploy) {
  const [rules] = documentsOf(join(deploy, RULES));
  const alerts = rules.spec.groups.flatMap(({ rules: group }) =>
    group.map(({ alert, record, expr }) => ({ where: alert ?? record, expr })),
  );
  const dashboard = JSON.parse(readFileSync(join(deploy, DASHBOARD), 'utf8'));
  const panels = dashboard.panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({ where: `dashboard: ${title}`, expr })),
  );
  const adapters = ADAPTERS.flatMap((file) => {
    const [{ rules: custom = [], externalRules = [] }] = documentsOf(join(deploy, file));
    return [...custom, ...externalRules].flatMap(({ name, seriesQuery, metricsQuery }) => [
      { where: `${file}: ${name.as}`, expr: seriesQuery },
      { where: `${file}: ${name.as}`, expr: metricsQuery },
    ]);
  });
  const [keda] = documentsOf(join(deploy, 'autoscaling/keda-scaledobject.yaml'));
  const triggers = keda.spec.triggers.map(({ name, metadata }) => {
    return { where: `keda: ${name}`, expr: metadata.query };
  });
  return [...alerts, ...panels, ...adapters, ...triggers];
}

export function metricProblems(deploy, exported) {
  const [rules] = documentsOf(join(deploy, RULES));
  const recorded = rules.spec.groups.flatMap((group) => group.rules.map(({ record }) => record));
  const known = new Set([...exported, ...recorded]);
  const unknown = expressions(deploy).flatMap(({ where, expr }) =>
    metricNames(expr)
      .filter((name) => !known.has(name))
      .map((name) => `${where}: no metric ${name}`),
  );
  return [...unknown, ...scalerProblems(deploy)];
}

/** What an HPA asks for, an adapter has to serve. */
function scalerProblems(deploy) {
  const served = new Set(
    ADAPTERS.flatMap((file) => {
      const [{ rules = [], externalRules = [] }] = documentsOf(join(deploy, file));
      return [...rules, ...externalRules].map(({ name }) => name.as);
    }),
  );
  const scalers = [
    'components/custom-metrics/horizontalpodautoscaler.yaml',
    'autoscaling/horizontalpodautoscaler.yaml',
  ];
  return scalers.flatMap((file) => {
    const [{ spec }] = documentsOf(join(deploy, file));
    return spec.metrics
      .map(({ pods, external }) => (pods ?? external)?.metric.name)
      .filter((name) => name !== undefined && !served.has(name))
      .map((name) => `${file}: no adapter serves ${name}`);
  });
}

/** Names of all alerts. */
export function alertNames(deploy) {
  const [rules] = documentsOf(join(deploy, RULES));
  return rules.spec.groups.flatMap((group) =>
    group.rules.flatMap(({ alert }) => (alert === undefined ? [] : [alert])),
  );
}

/** promtool's word on the rules and their tests; null: it is not installed. */
export function promtool(deploy, folder) {
  try {
    execFileSync('promtool', ['--version'], { stdio: 'ignore' });
  } catch {
    return null;
  }
  mkdirSync(folder, { recursive: true });
  const [rules] = documentsOf(join(deploy, RULES));
  writeFileSync(join(folder, 'rules.yaml'), stringify(rules.spec));
  cpSync(join(deploy, 'components/monitoring/rules.test.yaml'), join(folder, 'rules.test.yaml'));
  // Panels are queries too: as rules, promtool can judge their grammar.
  const panels = expressions(deploy)
    .filter(({ where }) => /^(dashboard|keda)/.test(where))
    .map(({ expr }, i) => ({ record: `panel:${i}`, expr: expr.replaceAll('$namespace', 'x') }));
  const groups = [{ name: 'panels', rules: panels }];
  writeFileSync(join(folder, 'panels.yaml'), stringify({ groups }));
  try {
    const options = { cwd: folder, encoding: 'utf8', stdio: 'pipe' };
    execFileSync('promtool', ['check', 'rules', 'rules.yaml', 'panels.yaml'], options);
    execFileSync('promtool', ['test', 'rules', 'rules.test.yaml'], options);
    return [];
  } catch (failure) {
    return [`promtool: ${failure.stdout}${failure.stderr}`];
  }
}
