// The scheduling profile of an EndpointPickerConfig: which scorers, filters and picker run.
import type { Envelope } from './epp-envelope.js';
import {
  FILTER_FIELDS,
  type PlainScorerType,
  PREFIX_SCORER_FIELDS,
  SCORER_FIELDS,
} from './epp-plugin-fields.js';
import type { PluginKind } from './epp-plugin-kinds.js';
import { type Place, readFields, shown } from './field.js';
import { suggestion } from './nearest-name.js';
import type {
  FilterPlan,
  FilterType,
  PickerType,
  SchedulingPlan,
  ScorerPlan,
} from './scheduling-plan.js';

export interface DeclaredPlugin {
  readonly name: string;
  readonly type: string;
  readonly kind: PluginKind;
  readonly parameters: unknown;
  /** Where the parameters stand. */
  readonly place: Place;
}

type ProfilePart = Pick<SchedulingPlan, 'scorers' | 'filters' | 'picker'>;

/** llm-d's weight of a scorer that gives none. */
const DEFAULT_WEIGHT = 1;

export function readProfile(
  envelope: Envelope,
  plugins: readonly DeclaredPlugin[],
  place: Place,
  mapped: string[],
  problems: string[],
): ProfilePart {
  const used = profilePlugins(envelope, plugins, place);
  const scorers: ScorerPlan[] = [];
  const filters: FilterPlan[] = [];
  let picker: PickerType | null = null;
  for (const { plugin, weight, at } of used) {
    const { kind, type } = plugin;
    if (kind.role === 'prefix-scorer' || kind.role === 'scorer') {
      const scorer = scorerPlan(plugin, kind, weight ?? DEFAULT_WEIGHT);
      scorers.push(scorer);
      const as = scorer.type === type ? '' : ` as ${scorer.type}`;
      mapped.push(`${labelOf(plugin)}: scorer${as}, weight ${scorer.weight}`);
      continue;
    }
    if (weight !== null) problems.push(`${at.name}: the weight of ${shown(type)} has no effect`);
    if (kind.role === 'filter') {
      filters.push(filterPlan(kind.type, plugin));
      mapped.push(`${labelOf(plugin)}: filter`);
    } else if (kind.role === 'picker') {
      if (picker !== null) at.fail(`a second picker, ${shown(plugin.name)}; one is allowed`);
      picker = kind.type;
      mapped.push(`${labelOf(plugin)}: picker`);
    }
  }
  if (scorers.length === 0)
    problems.push('no scorer is used: every endpoint is as good as another');
  if (picker === null) mapped.push('max-score-picker: picker, added because none is named');
  return { scorers, filters, picker: picker ?? 'max-score-picker' };
}

export function findPlugin(
  ref: string,
  plugins: readonly DeclaredPlugin[],
  at: Place,
): DeclaredPlugin {
  const named = plugins.find(({ name }) => name === ref);
  if (named !== undefined) return named;
  const typed = plugins.filter(({ type }) => type === ref);
  if (typed.length === 1 && typed[0] !== undefined) return typed[0];
  if (typed.length > 1) {
    return at.fail(`${typed.length} plugins have the type ${shown(ref)}; use the name of one`);
  }
  const names = plugins.map(({ name }) => name);
  return at.fail(`no plugin is named ${shown(ref)}${suggestion(ref, names)}`);
}

export function labelOf({ name, type }: DeclaredPlugin): string {
  return name === type ? type : `${name} (${type})`;
}

interface UsedPlugin {
  readonly plugin: DeclaredPlugin;
  readonly weight: number | null;
  readonly at: Place;
}

function profilePlugins(
  { schedulingProfiles }: Envelope,
  plugins: readonly DeclaredPlugin[],
  place: Place,
): UsedPlugin[] {
  const [profile, ...others] = schedulingProfiles;
  if (profile === undefined) {
    // llm-d then makes one profile of everything that is declared.
    return plugins.map((plugin) => ({ plugin, weight: null, at: plugin.place }));
  }
  const profiles = place.child('schedulingProfiles');
  if (others.length > 0) {
    profiles.fail(`has ${schedulingProfiles.length} profiles; Warmpath supports one`);
  }
  const seen = new Set<string>();
  return profile.plugins.map(({ pluginRef, weight }, position) => {
    const at = profiles.child(0).child('plugins').child(position).child('pluginRef');
    const plugin = findPlugin(pluginRef, plugins, at);
    if (seen.has(plugin.name)) at.fail(`${shown(pluginRef)} is referenced twice`);
    seen.add(plugin.name);
    return { plugin, weight, at };
  });
}

function scorerPlan(
  plugin: DeclaredPlugin,
  kind: PluginKind & { role: 'scorer' | 'prefix-scorer' },
  weight: number,
): ScorerPlan {
  if (kind.role === 'scorer') return plainScorerPlan(kind.type, plugin, weight);
  const { matchLengthWeight, matchLengthScaleTokens } = readFields(
    PREFIX_SCORER_FIELDS,
    plugin.parameters,
    plugin.place,
  );
  const parameters = { matchLengthWeight, matchLengthScaleTokens };
  return { type: 'prefix-cache-scorer', name: plugin.name, weight, parameters };
}

function plainScorerPlan<T extends PlainScorerType>(
  type: T,
  { name, parameters, place }: DeclaredPlugin,
  weight: number,
): ScorerPlan<T> {
  return { type, name, weight, parameters: SCORER_FIELDS[type].read(parameters, place) };
}

function filterPlan<T extends FilterType>(
  type: T,
  { name, parameters, place }: DeclaredPlugin,
): FilterPlan<T> {
  return { type, name, parameters: FILTER_FIELDS[type].read(parameters, place) };
}
