// Tools as the template sees them: vLLM passes pydantic's dump of each, so the keys of a tool and of
// its function have a fixed order, absent ones are null, and unknown ones are gone.
import type { Json, JsonObject } from '../json.js';
import {
  invalidField,
  objectAt,
  optionalArray,
  optionalObject,
  optionalString,
  stringAt,
} from './request-fields.js';

export function parseTools(body: JsonObject): JsonObject[] | null {
  const tools = optionalArray(body, 'tools');
  if (tools === null) return null;
  if (tools.length === 0) {
    throw invalidField(
      'tools',
      'must not be an empty array. Either provide at least one tool or omit the field entirely.',
    );
  }
  return tools.map((tool, i) => parseTool(tool, `tools[${i}]`));
}

function parseTool(value: Json, path: string): JsonObject {
  const tool = objectAt(value, path);
  const type = tool.get('type') ?? 'function';
  if (type !== 'function') throw invalidField(`${path}.type`, 'must be "function"');
  const defer = tool.get('defer_loading') ?? null;
  const normalized = new Map<string, Json>([
    ['type', type],
    ['function', parseFunction(tool.get('function'), `${path}.function`, defer)],
  ]);
  if (defer !== null) normalized.set('defer_loading', defer);
  return normalized;
}

function parseFunction(value: Json | undefined, path: string, toolDefer: Json): JsonObject {
  const declared = objectAt(value, path);
  const normalized = new Map<string, Json>([
    ['name', stringAt(declared.get('name'), `${path}.name`)],
    ['description', optionalString(declared, 'description', `${path}.description`)],
    ['parameters', optionalObject(declared, 'parameters', `${path}.parameters`)],
  ]);
  const strict = declared.get('strict') ?? null;
  if (strict !== null) normalized.set('strict', strict);
  const defer = declared.get('defer_loading') ?? toolDefer;
  if (defer !== null) normalized.set('defer_loading', defer);
  return normalized;
}
