// Prompts equal those that Python's jinja2 renders. Never skipped.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { isArray, isObject, type Json, type JsonObject, parseJson } from '../../src/json.js';
import { parseRequestObject } from '../../src/openai/request-parser.js';
import { ChatRenderer } from '../../src/tokenizer/chat-renderer.js';
import { chatSettings } from '../../src/tokenizer/chat-settings.js';
import { compileTemplate } from '../../src/tokenizer/jinja/template-compiler.js';
import { TemplateError } from '../../src/tokenizer/jinja/template-error.js';
import { compileWithPackage } from '../../src/tokenizer/template-engine.js';
import { readTokenizerFolder } from '../../src/tokenizer/tokenizer-folder.js';
import { QWEN3_FOLDER } from '../support/qwen3.js';

const folder = readTokenizerFolder(QWEN3_FOLDER);
const source = folder.chatTemplates.get('default') ?? '';
const renderVectors = readVectors('render_qwen3.json', 'cases');
const snippetVectors = readVectors('jinja_snippets.json', 'snippets');

function readVectors(file: string, key: string): { file: JsonObject; items: JsonObject[] } {
  const parsed = parseJson(readFileSync(`test/vectors/${file}`, 'utf8'));
  assert.ok(isObject(parsed));
  const items = parsed.get(key);
  assert.ok(isArray(items) && items.length > 30);
  return { file: parsed, items: items.filter(isObject) };
}

function objectAt(object: JsonObject, key: string): JsonObject {
  const value = object.get(key);
  assert.ok(isObject(value), key);
  return value;
}

test('the template renders what Python renders', () => {
  const template = compileTemplate(source);
  for (const item of renderVectors.items) {
    const text = template.render(objectAt(item, 'template'));
    assert.equal(text, item.get('text'), String(item.get('name')));
  }
});

test('a request renders as vLLM hands it to the template', () => {
  const renderer = new ChatRenderer(folder);
  for (const item of renderVectors.items) {
    const request = parseRequestObject('chat', objectAt(item, 'body'));
    assert.ok(request.kind === 'chat');
    const texts = renderer.render(request, chatSettings());
    assert.equal(texts?.length, 1);
    assert.equal(texts?.[0].join(''), item.get('text'), String(item.get('name')));
  }
});

test("statements, expressions, filters and methods behave as in Python's jinja2", () => {
  const context = objectAt(snippetVectors.file, 'context');
  for (const item of snippetVectors.items) {
    const [snippet, text, error] = [item.get('source'), item.get('text'), item.get('error')];
    assert.ok(typeof snippet === 'string');
    if (typeof text === 'string') {
      assert.equal(compileTemplate(snippet).render(context), text, snippet);
      continue;
    }
    assert.throws(
      () => compileTemplate(snippet).render(context),
      (thrown) => thrown instanceof TemplateError && thrown.message === error,
      `${snippet}: ${error}`,
    );
  }
});

test('random conversations render the same with @huggingface/jinja', () => {
  const seed = Date.now() % 2 ** 31;
  let state = seed;
  const random = (below: number) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return (state >> 8) % below;
  };
  const texts = ['', 'a', ' b \n', '<think>x</think>y', '🙂\né', '<tool_response>', '{{ x }}'];
  const text = () => texts[random(texts.length)] ?? '';
  const [own, reference] = [compileTemplate(source), compileWithPackage(source)];
  for (let i = 0; i < 300; i++) {
    const messages = Array.from({ length: 1 + random(8) }, (_, turn): JsonObject => {
      const role = ['user', 'assistant', 'tool', 'system'][turn === 0 ? 3 : random(3)] ?? '';
      const message = new Map<string, Json>([
        ['role', role],
        ['content', text()],
      ]);
      if (role === 'assistant' && random(2) === 0) message.set('reasoning_content', text());
      return message;
    });
    // Its template needs a user message to find the last question.
    messages.push(
      new Map([
        ['role', 'user'],
        ['content', 'q'],
      ]),
    );
    const variables = new Map<string, Json>([
      ['messages', messages],
      ['tools', null],
      ['add_generation_prompt', random(2) === 0],
      ['enable_thinking', random(2) === 0],
    ]);
    assert.equal(own.render(variables), reference.render(variables), `seed ${seed}, case ${i}`);
  }
});
