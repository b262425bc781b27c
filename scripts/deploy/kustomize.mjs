// Renders the part of kustomize that deploy/ uses, so that a machine without kubectl can check it. Where
// kubectl is installed, the test compares both.
//
// Known: resources, components, namespace, labels (pairs only), images (newName, newTag), patches
// (strategic merge, inline or by path, with `$patch: delete`), configMapGenerator (files, behavior).
// Anything else is an error.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseAllDocuments } from 'yaml';

const KEYS = new Set([
  'apiVersion',
  'kind',
  'resources',
  'components',
  'namespace',
  'labels',
  'images',
  'patches',
  'configMapGenerator',
]);
const CLUSTER_KINDS = new Set(['Namespace', 'ClusterRole', 'ClusterRoleBinding']);
/** Keys by which lists of Kubernetes' own types are merged; other lists are replaced. */
const MERGE_KEYS = {
  containers: 'name',
  initContainers: 'name',
  env: 'name',
  volumes: 'name',
  volumeMounts: 'mountPath',
  ports: 'containerPort',
};
const HASH_LENGTH = 10;

/** All objects that `kubectl kustomize folder` would print, in any order. Throws with the file's name. */
export function render(folder) {
  const objects = build(folder, []);
  for (const object of objects) renameConfigMaps(object, hashedNames(objects));
  for (const object of objects) {
    if (object.suffix) object.value.metadata.name = object.suffix;
  }
  return objects.map(({ value }) => value);
}

export function documentsOf(file) {
  return parseAllDocuments(readFileSync(file, 'utf8')).map((document) => {
    if (document.errors.length > 0) throw new Error(`${file}: ${document.errors[0].message}`);
    return document.toJS();
  });
}

/** A component builds upon what its user has gathered so far. */
function build(folder, inherited) {
  const file = join(folder, 'kustomization.yaml');
  if (!existsSync(file)) throw new Error(`${folder} has no kustomization.yaml`);
  const [spec] = documentsOf(file);
  for (const key of Object.keys(spec)) {
    if (!KEYS.has(key))
      throw new Error(`${file}: ${key} is not known to scripts/deploy/kustomize.mjs`);
  }
  let objects = [...inherited];
  for (const name of spec.resources ?? []) {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) objects.push(...build(path, []));
    else objects.push(...documentsOf(path).map((value) => ({ value, suffix: null })));
  }
  for (const name of spec.components ?? []) objects = build(join(folder, name), objects);
  for (const generator of spec.configMapGenerator ?? []) generate(objects, generator, folder);
  for (const { path, patch, target } of spec.patches ?? []) {
    const patches =
      path === undefined
        ? parseAllDocuments(patch).map((one) => one.toJS())
        : documentsOf(join(folder, path));
    for (const one of patches) objects = applyPatch(objects, one, target, file);
  }
  for (const { pairs } of spec.labels ?? []) {
    for (const { value } of objects) value.metadata.labels = { ...value.metadata.labels, ...pairs };
  }
  if (spec.namespace !== undefined) {
    for (const { value } of objects) setNamespace(value, spec.namespace);
  }
  for (const image of spec.images ?? []) {
    for (const { value } of objects) setImage(value, image);
  }
  return objects;
}

function generate(objects, { name, files, behavior = 'create', options = {} }, folder) {
  const data = Object.fromEntries(
    files.map((file) => [basename(file), readFileSync(join(folder, file), 'utf8')]),
  );
  const known = objects.find(
    ({ value }) => value.kind === 'ConfigMap' && value.metadata.name === name,
  );
  if ((behavior === 'create') === (known !== undefined)) {
    throw new Error(`${folder}: ConfigMap ${name}: behavior ${behavior} does not fit`);
  }
  if (known !== undefined) {
    known.value.data = data;
    return;
  }
  const labels = options.labels === undefined ? {} : { labels: { ...options.labels } };
  const value = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...labels }, data };
  objects.push({ value, suffix: null, isHashed: options.disableNameSuffixHash !== true });
}

function applyPatch(objects, patch, target, file) {
  const { kind, name } = target ?? { kind: patch.kind, name: patch.metadata.name };
  const matches = ({ value }) => value.kind === kind && value.metadata.name === name;
  if (!objects.some(matches)) throw new Error(`${file}: nothing to patch: ${kind} ${name}`);
  if (patch.$patch === 'delete') return objects.filter((object) => !matches(object));
  return objects.map((object) => {
    return matches(object) ? { ...object, value: merged(object.value, patch, '') } : object;
  });
}

function merged(base, patch, key) {
  if (Array.isArray(patch)) {
    const mergeKey = MERGE_KEYS[key];
    if (mergeKey === undefined || !Array.isArray(base)) return patch;
    const result = [...base];
    // As kustomize does: what is new comes first.
    const added = [];
    for (const item of patch) {
      const at = result.findIndex((one) => one[mergeKey] === item[mergeKey]);
      if (item.$patch === 'delete') {
        if (at !== -1) result.splice(at, 1);
      } else if (at === -1) added.push(item);
      else result[at] = merged(result[at], item, '');
    }
    return [...added, ...result];
  }
  if (typeof patch !== 'object' || patch === null || typeof base !== 'object' || base === null) {
    return patch;
  }
  const result = { ...base };
  for (const [name, value] of Object.entries(patch)) {
    const next = value === null ? undefined : merged(base[name], value, name);
    if (next === undefined) delete result[name];
    else result[name] = next;
  }
  return result;
}

function setNamespace(value, namespace) {
  if (value.kind === 'Namespace') value.metadata.name = namespace;
  if (CLUSTER_KINDS.has(value.kind)) return;
  value.metadata.namespace = namespace;
  for (const subject of value.subjects ?? []) {
    if (subject.kind === 'ServiceAccount') subject.namespace = namespace;
  }
}

/** `restartPolicy`-less templates too: everything that has containers. */
function setImage(node, { name, newName = name, newTag }) {
  if (typeof node !== 'object' || node === null) return;
  if (typeof node.image === 'string' && node.image.split(':')[0] === name) {
    const tag = newTag ?? node.image.split(':')[1];
    node.image = tag === undefined ? newName : `${newName}:${tag}`;
  }
  for (const child of Object.values(node)) setImage(child, { name, newName, newTag });
}

/** Name of each generated ConfigMap to the one it gets. kustomize's own digest is another; names differ. */
function hashedNames(objects) {
  const names = new Map();
  for (const object of objects) {
    if (object.isHashed !== true) continue;
    const { name } = object.value.metadata;
    const digest = createHash('sha256').update(JSON.stringify(object.value.data)).digest('hex');
    object.suffix = `${name}-${digest.slice(0, HASH_LENGTH)}`;
    names.set(name, object.suffix);
  }
  return names;
}

function renameConfigMaps({ value }, names) {
  const visit = (node) => {
    if (typeof node !== 'object' || node === null) return;
    if (node.configMap?.name !== undefined) {
      node.configMap.name = names.get(node.configMap.name) ?? node.configMap.name;
    }
    for (const child of Object.values(node)) visit(child);
  };
  visit(value);
}
