// A strict reader of the two text formats of Prometheus: whatever a scraper might refuse is an error here.
// Sources: Prometheus "Exposition formats" (0.0.4); OpenMetrics 1.0.0.
import assert from 'node:assert/strict';

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  readonly exemplar: string | null;
}

export interface Family {
  readonly type: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const HEADER = new RegExp(`^# (HELP|TYPE) (${NAME}) (.+)$`);
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(.*?)\\})? (\\S+)(?: # (\\{.*\\} \\S+ \\S+))?$`);
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/y;
const FLOAT = /^(?:[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?|NaN|[-+]Inf)$/i;
const EXEMPLAR = /^\{trace_id="[0-9a-f]{32}"\} (\S+) \d+\.\d+$/;

/** Families by name as in their HELP line. Throws an AssertionError that names the line. */
export function parseMetrics(
  text: string,
  format: 'prometheus' | 'openmetrics',
): ReadonlyMap<string, Family> {
  assert.ok(text.endsWith('\n'), 'the page ends with a newline');
  const lines = text.slice(0, -1).split('\n');
  if (format === 'openmetrics') assert.equal(lines.pop(), '# EOF');
  const families = new Map<string, { type: string; help: string; samples: Sample[] }>();
  let current = '';
  let help = '';
  const seen = new Set<string>();
  for (const line of lines) {
    const header = HEADER.exec(line);
    if (header !== null) {
      const [, kind, name = '', rest = ''] = header;
      if (kind === 'HELP') {
        assert.ok(!families.has(name), `${name} begins twice`);
        help = rest;
        current = name;
      } else {
        assert.equal(name, current, `TYPE after HELP of another: ${line}`);
        assert.match(rest, /^(counter|gauge|histogram)$/);
        families.set(name, { type: rest, help, samples: [] });
      }
      continue;
    }
    const sample = parseSample(line);
    const family = families.get(current);
    assert.ok(family !== undefined, `a sample before any header: ${line}`);
    assert.ok(suffixes(family.type, format).includes(suffixOf(sample.name, current)), line);
    const key = `${sample.name} ${JSON.stringify(Object.entries(sample.labels).sort())}`;
    assert.ok(!seen.has(key), `twice: ${line}`);
    seen.add(key);
    assert.ok(sample.exemplar === null || format === 'openmetrics', `exemplar in ${line}`);
    family.samples.push(sample);
  }
  for (const [name, family] of families) checkFamily(name, family, format);
  return families;
}

function parseSample(line: string): Sample {
  const found = SAMPLE.exec(line);
  assert.ok(found !== null, `not a sample: ${JSON.stringify(line)}`);
  const [, name = '', labelText = '', valueText = '', exemplar = null] = found;
  assert.match(valueText, FLOAT, line);
  if (exemplar !== null) assert.match(exemplar, EXEMPLAR, line);
  return { name, labels: parseLabels(labelText, line), value: numberOf(valueText), exemplar };
}

function parseLabels(text: string, line: string): Record<string, string> {
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const found = LABEL.exec(text);
    assert.ok(found !== null, `labels of ${line}`);
    const [, name = '', value = ''] = found;
    assert.ok(!Object.hasOwn(labels, name), `label ${name} twice in ${line}`);
    labels[name] = value.replace(/\\(.)/g, (_all, c: string) => (c === 'n' ? '\n' : c));
  }
  return labels;
}

function numberOf(text: string): number {
  return text.endsWith('Inf') ? Number(text.replace('Inf', 'Infinity')) : Number(text);
}

function suffixes(type: string, format: string): readonly string[] {
  if (type === 'histogram') return ['_bucket', '_sum', '_count'];
  return type === 'counter' && format === 'openmetrics' ? ['_total'] : [''];
}

function suffixOf(name: string, family: string): string {
  assert.ok(name.startsWith(family), `${name} stands below ${family}`);
  return name.slice(family.length);
}

function checkFamily(name: string, { type, help, samples }: Family, format: string): void {
  assert.ok(help.length > 10, `${name} has a help text`);
  if (type === 'counter') {
    if (format === 'prometheus') assert.ok(name.endsWith('_total'), `${name} ends in _total`);
    for (const { value } of samples) assert.ok(value >= 0, `${name} is negative`);
  }
  if (type === 'histogram') checkHistogram(name, samples, format);
}

/** Buckets ascend in bound and count, the last is +Inf and equals the count. */
function checkHistogram(name: string, samples: readonly Sample[], format: string): void {
  let bound = Number.NEGATIVE_INFINITY;
  let count = 0;
  for (const sample of samples) {
    if (sample.name.endsWith('_bucket')) {
      const text = sample.labels['le'] ?? '';
      assert.match(text, FLOAT, name);
      if (format === 'openmetrics') assert.match(text, /[.e]|Inf/, `${name}: le="${text}"`);
      assert.ok(numberOf(text) > bound, `${name}: bounds ascend`);
      assert.ok(sample.value >= count, `${name}: counts ascend`);
      bound = numberOf(text);
      count = sample.value;
    } else {
      assert.equal(bound, Number.POSITIVE_INFINITY, `${name}: the last bucket is +Inf`);
      if (sample.name.endsWith('_count')) {
        assert.equal(sample.value, count, `${name}: count`);
        bound = Number.NEGATIVE_INFINITY;
        count = 0;
      }
    }
  }
}
