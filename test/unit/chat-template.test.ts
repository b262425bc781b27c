import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RouterError } from '../../src/errors.js';
import type { Json } from '../../src/json.js';
import { ChatTemplate } from '../../src/tokenizer/chat-template.js';

const CHATML =
  "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}</>{% endfor %}" +
  '{% if add_generation_prompt %}<assistant>{% endif %}';

function messages(...pairs: [string, Json][]): Map<string, Json>[] {
  return pairs.map(
    ([role, content]) =>
      new Map<string, Json>([
        ['role', role],
        ['content', content],
      ]),
  );
}

function isRefusal(message: RegExp): (error: unknown) => boolean {
  return (error) =>
    error instanceof RouterError && error.code === 'invalid_request' && message.test(error.message);
}

test("raise_exception is a 400 with the template's message", () => {
  const template = new ChatTemplate(
    "{{ raise_exception('roles must alternate: ' ~ messages|length) }}",
  );
  assert.throws(
    () => template.render(messages(['user', 'a']), new Map()),
    isRefusal(/^roles must alternate: 1$/),
  );
});

test('the final message is left open, without what the template puts behind it', () => {
  const template = new ChatTemplate(CHATML);
  const conversation = messages(['user', 'q'], ['assistant', 'Once upon ']);
  assert.equal(
    template.renderOpenEnded(conversation, new Map()),
    '<user>q</><assistant>Once upon ',
  );
});

test('a template that trims the final message takes its trailing space', () => {
  const template = new ChatTemplate(CHATML.replace("m['content']", "m['content']|trim"));
  const conversation = messages(['user', 'q'], ['assistant', ' Once upon ']);
  assert.equal(template.renderOpenEnded(conversation, new Map()), '<user>q</><assistant>Once upon');
});

test('the last text part of the final message is continued', () => {
  const template = new ChatTemplate(
    '{% for m in messages %}{% for p in m.content %}{{ p.text }}{% endfor %};{% endfor %}',
  );
  const part = (text: string) =>
    new Map([
      ['type', 'text'],
      ['text', text],
    ]);
  const conversation = messages([
    'assistant',
    [part('a'), part('b'), new Map([['type', 'image']])],
  ]);
  assert.equal(template.renderOpenEnded(conversation, new Map()), 'ab');
  assert.throws(
    () => template.renderOpenEnded(messages(['assistant', []]), new Map()),
    isRefusal(/could not find any text to continue/),
  );
});

test('a final message that the template drops cannot be continued', () => {
  const template = new ChatTemplate(
    '{% for m in messages if m.role == "user" %}{{ m.content }}{% endfor %}',
  );
  assert.throws(
    () => template.renderOpenEnded(messages(['user', 'q'], ['assistant', 'x']), new Map()),
    isRefusal(/final message does not appear/),
  );
});

test('a template that knows developers gets them; another one a system message in front', () => {
  const conversation = messages(['user', 'a'], ['developer', 'd'], ['user', 'b']);
  const knowing = new ChatTemplate(`${CHATML}{% if 'developer' in roles|default([]) %}{% endif %}`);
  assert.equal(knowing.render(conversation, new Map()), '<user>a</><developer>d</><user>b</>');
  const plain = new ChatTemplate(CHATML);
  assert.equal(plain.render(conversation, new Map()), '<system>d</><user>a</><user>b</>');
});

test('system messages stay where they are when there is no developer', () => {
  const conversation = messages(['user', 'a'], ['system', 's'], ['system', 't']);
  assert.equal(
    new ChatTemplate(CHATML).render(conversation, new Map()),
    '<user>a</><system>s</><system>t</>',
  );
});

test('a template that calls itself for ever is a refusal', () => {
  const template = new ChatTemplate('{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}');
  assert.throws(
    () => template.render(messages(['user', 'a']), new Map()),
    isRefusal(/maximum recursion depth exceeded/),
  );
});
