// The scheduling profile of an EndpointPickerConfig: scorers with weights, filters, one picker.
import {
  FILTER_FIELDS,
  type PluginKind,
  PREFIX_SCORER_FIELDS,
  SCORER_FIELDS,
} from './epp-plugins.js';
import { type Place, readFields, shown } from './field.js';
import type { FilterPlan, PickerType, SchedulingPlan, ScorerPlan } from './scheduling-plan.js';

export interface DeclaredPlugin {
  readonly name: string;
  readonly type: string;
  readonly kind: PluginKind;
  readonly parameters: unknown;
  readonly place: Place;
}

/** A plugin as a profile refers to it. */
export interface ProfileEntry {
  readonly plugin: DeclaredPlugin;
  /** null: not given; a scorer then weighs 1. */
  readonly weight: number | null;
  readonly place: Place;
}

type Profile = Pick<SchedulingPlan, 'scorers' | 'filters' | 'picker'>;

export function profilePlan(entries: readonly ProfileEntry[], mapped: string[]): Profile {
  const scorers: ScorerPlan[] = [];
  const filters: FilterPlan[] = [];
  const pickers: PickerType[] = [];
  for (const { plugin, weight, place } of entries) {
    const { kind, name } = plugin;
    if (kind.role === 'scorer' || kind.role === 'prefix-scorer') {
      scorers.push(scorerPlan(plugin, weight ?? 1));
      mapped.push(`${name}: scorer with weight ${weight ?? 1}`);
      continue;
    }
    if (weight !== null)
      place.child('weight').fail(`${shown(name)} is no scorer: it has no weight`);
    if (kind.role === 'picker') pickers.push(kind.type);
    if (kind.role === 'filter') {
      const parameters = FILTER_FIELDS[kind.type].read(plugin.parameters, plugin.place);
      filters.push({ type: kind.type, name, parameters });
    }
    if (pickers.length > 1) place.fail(`a second picker, ${shown(name)}: a profile has one`);
  }
  return { scorers, filters, picker: pickers[0] ?? 'max-score-picker' };
}

function scorerPlan({ kind, name, parameters, place }: DeclaredPlugin, weight: number): ScorerPlan {
  if (kind.role === 'prefix-scorer') {
    const read = readFields(PREFIX_SCORER_FIELDS, parameters, place);
    const { matchLengthWeight, matchLengthScaleTokens } = read;
    return {
      type: 'prefix-cache-scorer',
      name,
      weight,
      parameters: { matchLengthWeight, matchLengthScaleTokens },
    };
  }
  if (kind.role !== 'scorer') return place.fail(`${shown(name)} is no scorer`);
  switch (kind.type) {
    case 'load-aware-scorer': {
      const read = SCORER_FIELDS[kind.type].read(parameters, place);
      // llm-d takes 0 and less as "not given".
      const threshold = read.threshold > 0 ? read.threshold : 128;
      return { type: kind.type, name, weight, parameters: { ...read, threshold } };
    }
    case 'active-request-scorer':
      return {
        type: kind.type,
        name,
        weight,
        parameters: SCORER_FIELDS[kind.type].read(parameters, place),
      };
    case 'token-load-scorer':
      return {
        type: kind.type,
        name,
        weight,
        parameters: SCORER_FIELDS[kind.type].read(parameters, place),
      };
    case 'no-hit-lru-scorer':
      return {
        type: kind.type,
        name,
        weight,
        parameters: SCORER_FIELDS[kind.type].read(parameters, place),
      };
    default:
      return {
        type: kind.type,
        name,
        weight,
        parameters: SCORER_FIELDS[kind.type].read(parameters, place),
      };
  }
}
