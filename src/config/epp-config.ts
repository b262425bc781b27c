// EndpointPickerConfig of llm-d, all three generations of it, to a SchedulingPlan.
import { ENVELOPE, type Envelope } from './epp-envelope.js';
import { chooseOwner, eventPlan, type IndexOwner, indexPlan } from './epp-index.js';
import { INDEX_FIELDS } from './epp-index-fields.js';
import {
  FILTER_FIELDS,
  PICKER_FIELDS,
  PREFIX_SCORER_FIELDS,
  SCORER_FIELDS,
} from './epp-plugin-fields.js';
import { PLUGIN_TYPES, pluginKind } from './epp-plugin-kinds.js';
import { type DeclaredPlugin, findPlugin, labelOf, readProfile } from './epp-profile.js';
import { mapping, Place, readFields, shown } from './field.js';
import { suggestion } from './nearest-name.js';
import type { SchedulingPlan } from './scheduling-plan.js';
import { parseYaml } from './yaml-document.js';

/** Throws ConfigError naming `source`, line and value. */
export function parseEppText(content: string, source: string): SchedulingPlan {
  const document = parseYaml(content, source);
  const place = new Place(document);
  const plan = readEppConfig(document.value, place);
  return { ...plan, problems: [...new Set([...plan.problems, ...place.warnings])] };
}

export function readEppConfig(value: unknown, place: Place): SchedulingPlan {
  const envelope = ENVELOPE.read(value, place);
  const plugins = declaredPlugins(envelope, place);
  const mapped: string[] = [];
  const problems: string[] = [];
  reportEnvelope(envelope, problems);
  checkReferences(envelope, plugins, place);
  const owner = chooseOwner(checkParameters(plugins, mapped), problems);
  const profile = readProfile(envelope, plugins, place, mapped, problems);
  const index = indexPlan(owner, mapped);
  const events = eventPlan(owner, mapped, problems);
  return { ...profile, ...index, events, mapped, problems };
}

function declaredPlugins({ plugins }: Envelope, place: Place): DeclaredPlugin[] {
  const seen = new Set<string>();
  return plugins.map(({ name: given, type, parameters }, position) => {
    const at = place.child('plugins').child(position);
    const kind = pluginKind(type);
    if (kind === null) {
      const near = suggestion(type, PLUGIN_TYPES);
      return at.child('type').fail(`unknown plugin type ${shown(type)}${near}`);
    }
    if (kind.role === 'unsupported') {
      return at.child('type').fail(`llm-d's plugin ${shown(type)} is not supported by Warmpath`);
    }
    const name = given ?? type;
    if (seen.has(name)) at.fail(`a second plugin is named ${shown(name)}; give it another name`);
    seen.add(name);
    return { name, type, kind, parameters: parameters ?? {}, place: at.child('parameters') };
  });
}

function reportEnvelope({ featureGates, flowControl }: Envelope, problems: string[]): void {
  for (const gate of featureGates) problems.push(`featureGates: "${gate}" has no effect here`);
  if (flowControl !== null) {
    problems.push('flowControl is not applied: the `limits` section bounds queue and requests');
  }
}

/** References outside the profile only have to exist: what they wire together runs by itself. */
function checkReferences(
  { dataLayer, requestHandler, saturationDetector, parser }: Envelope,
  plugins: readonly DeclaredPlugin[],
  place: Place,
): void {
  const check = (ref: { pluginRef: string } | null | undefined, at: Place) => {
    if (ref) findPlugin(ref.pluginRef, plugins, at.child('pluginRef'));
  };
  check(saturationDetector, place.child('saturationDetector'));
  check(parser, place.child('parser'));
  const parsers = place.child('requestHandler').child('parsers');
  requestHandler?.parsers.forEach((ref, i) => {
    check(ref, parsers.child(i));
  });
  const layer = place.child('dataLayer');
  check(dataLayer?.discovery, layer.child('discovery'));
  check(dataLayer?.peerDiscovery, layer.child('peerDiscovery'));
  dataLayer?.sources.forEach((source, i) => {
    const at = layer.child('sources').child(i);
    check(source, at);
    source.extractors.forEach((ref, j) => {
      check(ref, at.child('extractors').child(j));
    });
  });
}

/** Every declared plugin's parameters are checked, also of one that no profile uses. */
function checkParameters(plugins: readonly DeclaredPlugin[], mapped: string[]): IndexOwner[] {
  const owners: IndexOwner[] = [];
  for (const plugin of plugins) {
    const { type, kind, parameters, place } = plugin;
    const label = labelOf(plugin);
    if (kind.role === 'none') {
      readFields(kind.fields, parameters, place);
      mapped.push(`${label}: ${kind.note}`);
    } else if (kind.role === 'picker') {
      readFields(PICKER_FIELDS, parameters, place);
    } else if (kind.role === 'scorer') {
      SCORER_FIELDS[kind.type].read(parameters, place);
    } else if (kind.role === 'filter') {
      FILTER_FIELDS[kind.type].read(parameters, place);
    } else {
      const read =
        kind.role === 'index'
          ? readFields(INDEX_FIELDS, parameters, place)
          : readFields(PREFIX_SCORER_FIELDS, parameters, place);
      const written = Object.keys(mapping(parameters, place));
      const given = new Set(written.filter((key) => Object.hasOwn(INDEX_FIELDS, key)));
      owners.push({ label, type, parameters: read, given, place });
      if (kind.role === 'index') mapped.push(`${label}: exact index, always on`);
    }
  }
  return owners;
}
