import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseJson } from '../../src/json.js';
import { compileTemplate } from '../../src/tokenizer/jinja/template-compiler.js';
import { TemplateError } from '../../src/tokenizer/jinja/template-error.js';
import { compile, compileWithPackage } from '../../src/tokenizer/template-engine.js';

function isFailure(message: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof TemplateError && message.test(error.message);
}

test('source that is no template is refused with the place', () => {
  const cases: [string, RegExp][] = [
    ['a\n{% for x in y %}', /missing else or endfor at the end/],
    ['a\n{% endif %}', /unknown or misplaced tag 'endif'.*template line 2/],
    ['{{ a', /tag without end \(template line 1\)/],
    ['{{ a b }}', /expected the end of the tag, got 'b'/],
    ['{{ "a }}', /unexpected '"'/],
    ['{{ a + }}', /expected an expression, got the end of the tag/],
    ["{% include 'x' %}", /unknown or misplaced tag 'include'/],
    ['{# a', /comment without end/],
    ['{% raw %}a', /raw block without end/],
  ];
  for (const [source, message] of cases) {
    assert.throws(() => compile(source), isFailure(message), source.slice(0, 40));
  }
});

test('nesting is bounded', () => {
  const brackets = `{{ ${'('.repeat(1000)}1${')'.repeat(1000)} }}`;
  assert.throws(() => compileTemplate(brackets), isFailure(/nested too deep/));
  const blocks = '{% if a %}'.repeat(1000) + '{% endif %}'.repeat(1000);
  assert.throws(() => compileTemplate(blocks), isFailure(/nested too deep/));
});

test('a template cannot make values without bound', () => {
  const cases: [string, RegExp][] = [
    ['{{ range(1000000) }}', /Range too big/],
    ["{{ 'a' * 1000000000 }}", /repeated value/],
    ['{{ 10 ** 100000 }}', /out of range/],
    ['{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}', /maximum recursion depth/],
  ];
  for (const [source, message] of cases) {
    assert.throws(() => compile(source).render(new Map()), isFailure(message), source);
  }
});

test('a template cannot change what it is given, nor reach behind it', () => {
  const messages = parseJson('[{"role":"user"}]');
  const variables = new Map([['messages', messages]]);
  for (const call of ['messages.append(1)', 'messages[0].update({})', 'messages[0].pop("role")']) {
    assert.throws(() => compile(`{{ ${call} }}`).render(variables), isFailure(/is unsafe/), call);
  }
  for (const name of ['__proto__', 'constructor', '__class__', 'toString']) {
    const source = `{{ messages.${name} is defined }}{{ messages[0]['${name}'] is defined }}{{ ${name} is defined }}`;
    assert.equal(compile(source).render(variables), 'FalseFalseFalse');
  }
});

test('syntax that only @huggingface/jinja knows is left to it', () => {
  const source = "{{ ['a' 'b', 1 2]|length }}";
  assert.equal(compile(source).render(new Map()), '3');
  assert.equal(compile(source).contentFormat, 'string');
});

test("the package's errors are template errors too", () => {
  const template = compileWithPackage("{{ raise_exception('no') }}");
  assert.throws(() => template.render(new Map()), isFailure(/no/));
  assert.throws(() => compileWithPackage('{% if %}'), isFailure(/./));
});

test('the package sees the same values', () => {
  const x = parseJson('{"a":[1,1.0,null,true,"é",12345678901234567890]}');
  const template = compileWithPackage('{{ x.a[0] + 1 }}{{ x.a[4] }}{{ x.a|length }}');
  assert.equal(template.render(new Map([['x', x]])), '2é6');
});
