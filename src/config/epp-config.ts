// EndpointPickerConfig (llm-d), all three generations, to a SchedulingPlan.
import { eventPlan, type IndexOwner, indexOwner, indexPlan } from './epp-index.js';
import { INDEX_FIELDS } from './epp-index-fields.js';
import { PICKER_FIELDS, PLUGIN_TYPES, PREFIX_SCORER_FIELDS, pluginKind } from './epp-plugins.js';
import { type DeclaredPlugin, type ProfileEntry, profilePlan } from './epp-profile.js';
import {
  anything,
  choice,
  decimal,
  type Infer,
  list,
  mapping,
  optional,
  Place,
  readFields,
  shown,
  table,
  text,
  unused,
} from './field.js';
import { suggestion } from './nearest-name.js';
import type { SchedulingPlan } from './scheduling-plan.js';
import { parseYaml } from './yaml-document.js';

const API_VERSIONS = [
  'llm-d.ai/v1alpha1',
  'inference.networking.x-k8s.io/v1alpha1',
  'inference.networking.k8s.io/v1alpha1',
] as const;

const MAX_ITEMS = 256;
const pluginRef = text({ doc: 'Name of a plugin, or its type.' });
const reference = optional(table({ pluginRef }, 'A plugin.'));

const ENVELOPE = {
  apiVersion: optional(choice(API_VERSIONS, { doc: 'Version of the format.' })),
  kind: optional(choice(['EndpointPickerConfig'], { doc: 'Kind of document.' })),
  featureGates: list(text({ doc: 'name or name=true.' }), { doc: 'Gates.', max: MAX_ITEMS }),
  plugins: list(
    table(
      {
        name: optional(text({ doc: 'Name; the type when left out.' })),
        type: text({ doc: 'Type of the plugin.' }),
        parameters: anything('Settings of the plugin.'),
      },
      'One plugin.',
    ),
    { doc: 'Plugins.', min: 1, max: MAX_ITEMS },
  ),
  schedulingProfiles: list(
    table(
      {
        name: optional(text({ doc: 'Name of the profile.' })),
        plugins: list(
          table(
            {
              pluginRef,
              weight: optional(decimal({ doc: 'Weight of a scorer.', min: 0, max: 1e6 })),
            },
            'One plugin of the profile.',
          ),
          { doc: 'Plugins of the profile.', max: MAX_ITEMS },
        ),
      },
      'One profile.',
    ),
    { doc: 'Profiles.', max: MAX_ITEMS },
  ),
  dataLayer: optional(
    table(
      {
        sources: list(
          table(
            {
              pluginRef,
              extractors: list(table({ pluginRef }, 'One extractor.'), {
                doc: 'Extractors.',
                max: MAX_ITEMS,
              }),
            },
            'One source.',
          ),
          { doc: 'Sources.', max: MAX_ITEMS },
        ),
        discovery: reference,
        peerDiscovery: reference,
        ...unused('injectDefaults', 'crossReplicaSyncerPluginRef', 'crossReplicaSyncInterval'),
      },
      'Where endpoint data comes from.',
    ),
  ),
  requestHandler: optional(
    table(
      {
        parsers: list(table({ pluginRef }, 'One parser.'), { doc: 'Parsers.', max: MAX_ITEMS }),
      },
      'How requests are parsed.',
    ),
  ),
  saturationDetector: reference,
  parser: reference,
  flowControl: anything('Bounds of queues.'),
  ...unused('metadata'),
} as const;

type Envelope = Infer<ReturnType<typeof envelopeTable>>;
const envelopeTable = () => table(ENVELOPE, 'An EndpointPickerConfig.');

/** Throws ConfigError naming `source`, line and value. */
export function parseEppText(content: string, source: string): SchedulingPlan {
  const document = parseYaml(content, source);
  return readEppConfig(document.value, new Place(document));
}

export function readEppConfig(value: unknown, place: Place): SchedulingPlan {
  const envelope = envelopeTable().read(value, place);
  const plugins = declaredPlugins(envelope, place);
  const mapped: string[] = [];
  const problems: string[] = [];
  checkReferences(envelope, plugins, place);
  reportEnvelope(envelope, problems);
  const owners = readPlugins(plugins, mapped);
  const profile = profilePlan(profileEntries(envelope, plugins, place), mapped);
  const owner = indexOwner(owners, problems);
  return {
    ...profile,
    ...indexPlan(owner, mapped),
    events: eventPlan(owner, mapped, problems),
    mapped,
    problems: [...problems, ...place.warnings],
  };
}

function declaredPlugins(envelope: Envelope, place: Place): DeclaredPlugin[] {
  const seen = new Set<string>();
  return envelope.plugins.map(({ name: given, type, parameters }, position) => {
    const at = place.child('plugins').child(position);
    const name = given ?? type;
    if (seen.has(name)) at.fail(`a second plugin is named ${shown(name)}; names must differ`);
    seen.add(name);
    const kind = pluginKind(type);
    if (kind === null) {
      return at
        .child('type')
        .fail(`unknown plugin type ${shown(type)}${suggestion(type, PLUGIN_TYPES)}`);
    }
    if (kind.role === 'unsupported') {
      return at
        .child('type')
        .fail(`the plugin ${shown(type)} of llm-d is not supported by Warmpath`);
    }
    return { name, type, kind, parameters: parameters ?? {}, place: at.child('parameters') };
  });
}

function findPlugin(ref: string, plugins: readonly DeclaredPlugin[], at: Place): DeclaredPlugin {
  const named = plugins.find(({ name }) => name === ref);
  if (named !== undefined) return named;
  const typed = plugins.filter(({ type }) => type === ref);
  if (typed.length === 1 && typed[0] !== undefined) return typed[0];
  if (typed.length > 1) {
    return at.fail(
      `${typed.length} plugins have the type ${shown(ref)}: name the one that is meant`,
    );
  }
  const names = plugins.map(({ name }) => name);
  return at.fail(`no plugin is named ${shown(ref)}${suggestion(ref, names)}`);
}

/** The plugins of the first profile; without profiles, every plugin that is declared. */
function profileEntries(
  envelope: Envelope,
  plugins: readonly DeclaredPlugin[],
  place: Place,
): ProfileEntry[] {
  const [profile, second] = envelope.schedulingProfiles;
  const at = place.child('schedulingProfiles');
  if (profile === undefined) {
    return plugins.map((plugin) => ({ plugin, weight: null, place: plugin.place }));
  }
  if (second !== undefined) {
    at.child(1).fail('a second profile: Warmpath schedules every request with one');
  }
  return profile.plugins.map(({ pluginRef: ref, weight }, i) => {
    const entry = at.child(0).child('plugins').child(i);
    return { plugin: findPlugin(ref, plugins, entry.child('pluginRef')), weight, place: entry };
  });
}

/** References outside the profiles only need to exist: their plugins need no action here. */
function checkReferences(
  envelope: Envelope,
  plugins: readonly DeclaredPlugin[],
  place: Place,
): void {
  const { dataLayer, requestHandler, saturationDetector, parser } = envelope;
  const check = (ref: { pluginRef: string } | null, at: Place) => {
    if (ref !== null) findPlugin(ref.pluginRef, plugins, at.child('pluginRef'));
  };
  check(saturationDetector, place.child('saturationDetector'));
  check(parser, place.child('parser'));
  requestHandler?.parsers.forEach((ref, i) => {
    check(ref, place.child('requestHandler').child('parsers').child(i));
  });
  if (dataLayer === null) return;
  const at = place.child('dataLayer');
  check(dataLayer.discovery, at.child('discovery'));
  check(dataLayer.peerDiscovery, at.child('peerDiscovery'));
  dataLayer.sources.forEach((source, i) => {
    check(source, at.child('sources').child(i));
    source.extractors.forEach((ref, j) => {
      check(ref, at.child('sources').child(i).child('extractors').child(j));
    });
  });
}

function reportEnvelope({ featureGates, flowControl }: Envelope, problems: string[]): void {
  for (const gate of featureGates) problems.push(`featureGates: "${gate}" has no effect here`);
  if (flowControl !== null) {
    problems.push('flowControl: not applied; the `limits` section bounds queue and requests');
  }
}

/** Checks the parameters of plugins that are not part of a profile; returns who has index settings. */
function readPlugins(plugins: readonly DeclaredPlugin[], mapped: string[]): IndexOwner[] {
  const owners: IndexOwner[] = [];
  for (const { name, type, kind, parameters, place } of plugins) {
    const label = name === type ? type : `${name} (${type})`;
    if (kind.role === 'none') {
      readFields(kind.fields, parameters, place);
      mapped.push(`${label}: ${kind.note}`);
    } else if (kind.role === 'picker') {
      readFields(PICKER_FIELDS, parameters, place);
    } else if (kind.role === 'index' || kind.role === 'prefix-scorer') {
      const fields = kind.role === 'index' ? INDEX_FIELDS : PREFIX_SCORER_FIELDS;
      const read = readFields(fields, parameters, place);
      owners.push({ label, type, parameters: read, given: mapping(parameters, place), place });
    }
  }
  return owners;
}
