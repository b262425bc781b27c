import assert from 'node:assert/strict';
import { test } from 'node:test';
import { detectContentFormat } from '../../src/tokenizer/content-format.js';
import { parseTemplate } from '../../src/tokenizer/jinja/template-parser.js';

function formatOf(source: string): string {
  return detectContentFormat(parseTemplate(source));
}

const LOOP = '{% for part in message.content %}{{ part.text }}{% endfor %}';

test('a loop over the content of a message means parts', () => {
  const sources = [
    `{% for message in messages %}${LOOP}{% endfor %}`,
    "{% for m in messages %}{% for c in m['content'] %}{{ c }}{% endfor %}{% endfor %}",
    `{% for message in messages[1:] %}${LOOP}{% endfor %}`,
    "{% for message in messages|selectattr('role') %}{% for c in message.content|list %}{% endfor %}{% endfor %}",
    `{% set loop_messages = messages %}{% for message in loop_messages %}${LOOP}{% endfor %}`,
    `{% set a = messages %}{% set b = a[1:] %}{% for message in b %}${LOOP}{% endfor %}`,
    '{% for m in messages %}{% set content = m.content %}{% for c in content %}{% endfor %}{% endfor %}',
    '{% macro render(content) %}{% for c in content %}{% endfor %}{% endmacro %}',
    `{% for message in messages %}{% if message.content is string %}x{% else %}${LOOP}{% endif %}{% endfor %}`,
  ];
  for (const source of sources) assert.equal(formatOf(source), 'openai', source);
});

test('anything else means a text', () => {
  const sources = [
    '{% for message in messages %}{{ message.content }}{% endfor %}',
    '{% for message in messages %}{% for call in message.tool_calls %}{% endfor %}{% endfor %}',
    `{% for message in others %}${LOOP}{% endfor %}`,
    '{% for message in messages %}{{ message.content[0] }}{% endfor %}',
    `{% set x %}{{ messages }}{% endset %}{% for message in x %}${LOOP}{% endfor %}`,
    // The chain behind messages[0] is not an element of a loop.
    '{% for c in messages[0].content %}{% endfor %}',
    'no loop at all',
  ];
  for (const source of sources) assert.equal(formatOf(source), 'string', source);
});

test('aliases that go in a circle end', () => {
  assert.equal(
    formatOf('{% set a = messages %}{% set b = a %}{% set a = b %}{% set b = b %}'),
    'string',
  );
});

test('a loop that vLLM cannot read gives its default', () => {
  assert.equal(
    formatOf(
      `{% for a, b in messages %}{% endfor %}{% for message in messages %}${LOOP}{% endfor %}`,
    ),
    'string',
  );
});
