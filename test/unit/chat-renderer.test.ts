import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ChatRequest } from '../../src/inference-request.js';
import { parseRequest } from '../../src/openai/request-parser.js';
import { ChatRenderer } from '../../src/tokenizer/chat-renderer.js';
import { chatSettings } from '../../src/tokenizer/chat-settings.js';
import type { ChatFlags } from '../../src/tokenizer/match-task.js';
import { readTokenizerFolder } from '../../src/tokenizer/tokenizer-folder.js';
import { bytesOf } from '../support/qwen3.js';
import { type TinyOptions, tinyTokenizerFolder } from '../support/tiny-tokenizer.js';

const TOOL = { type: 'function', function: { name: 'f' } };
const VARIABLES =
  '{{ bos_token }}|{{ eos_token }}|{{ pad_token is defined }}|{{ tools is none }}|{{ documents is none }}|' +
  "{{ x|default('-') }}|{{ enable_thinking|default('-') }}|{{ add_generation_prompt }}";

function requestOf(fields: Record<string, unknown>): ChatRequest {
  const body = { model: 'm', messages: [{ role: 'user', content: 'a' }], ...fields };
  const request = parseRequest('chat', bytesOf(body));
  assert.ok(request.kind === 'chat');
  return request;
}

function rendererOf(options: TinyOptions): ChatRenderer {
  return new ChatRenderer(readTokenizerFolder(tinyTokenizerFolder(options)));
}

function render(renderer: ChatRenderer, fields: Record<string, unknown>, flags: ChatFlags = {}) {
  return renderer.render(requestOf(fields), chatSettings(flags))?.[0].join('') ?? null;
}

test('a template file wins over tokenizer_config.json', () => {
  const renderer = rendererOf({
    config: { chat_template: 'config' },
    files: { 'chat_template.jinja': 'file' },
  });
  assert.equal(render(renderer, {}), 'file');
});

test('tools choose the variant named tool_use', () => {
  const renderer = rendererOf({
    config: {
      chat_template: [
        { name: 'default', template: 'plain' },
        { name: 'tool_use', template: 'with {{ tools|length }}' },
      ],
    },
  });
  assert.equal(render(renderer, {}), 'plain');
  assert.equal(render(renderer, { tools: [TOOL] }), 'with 1');
});

test('the template sees special tokens, and null where the request has nothing', () => {
  const renderer = rendererOf({ config: { chat_template: VARIABLES } });
  assert.equal(render(renderer, {}), '<s>|</s>|False|True|True|-|-|True');
});

test('keyword arguments go by server defaults, then the request, then its own fields', () => {
  const renderer = rendererOf({ config: { chat_template: VARIABLES } });
  const flags = { defaultChatTemplateKwargs: { x: 'server', enable_thinking: false } };
  assert.match(render(renderer, {}, flags) ?? '', /\|server\|False\|True$/);
  const chat_template_kwargs = {
    x: 'request',
    enable_thinking: null,
    add_generation_prompt: false,
  };
  assert.match(render(renderer, { chat_template_kwargs }, flags) ?? '', /\|request\|False\|True$/);
  assert.match(render(renderer, { reasoning_effort: 'low' }, flags) ?? '', /\|server\|True\|True$/);
});

test('names of apply_chat_template and of Jinja do not reach the template', () => {
  const renderer = rendererOf({
    config: { chat_template: "{{ padding|default('-') }}{{ range(2)|list }}" },
  });
  const chat_template_kwargs = { padding: 'x', range: 'y' };
  assert.equal(render(renderer, { chat_template_kwargs }), '-[0, 1]');
});

test('a template in the request needs trust', () => {
  const renderer = rendererOf({ config: { chat_template: 'own' } });
  const fields = { chat_template: 'theirs {{ messages|length }}' };
  assert.throws(() => render(renderer, fields), /untrusted chat template/);
  const trusting = { trustRequestChatTemplate: true };
  assert.equal(render(renderer, fields, trusting), 'theirs 1');
  assert.throws(() => render(renderer, { chat_template: '{% if %}' }, trusting), /chat_template: /);
});

test('the flag that excludes tools does so only for tool_choice none', () => {
  const renderer = rendererOf({ config: { chat_template: '{{ tools is none }}' } });
  const flags = { excludeToolsWhenToolChoiceNone: true };
  assert.equal(render(renderer, { tools: [TOOL], tool_choice: 'none' }, flags), 'True');
  assert.equal(render(renderer, { tools: [TOOL], tool_choice: 'auto' }, flags), 'False');
  assert.equal(render(renderer, { tools: [TOOL], tool_choice: 'none' }), 'False');
});

test('the content format flag overrides what the template shows', () => {
  const renderer = rendererOf({ config: { chat_template: '{{ messages[0].content }}' } });
  const fields = { messages: [{ role: 'user', content: [{ type: 'text', text: 'a' }] }] };
  assert.equal(render(renderer, fields), 'a');
  assert.equal(
    render(renderer, fields, { chatTemplateContentFormat: 'openai' }),
    "[{'type': 'text', 'text': 'a'}]",
  );
});

test('a chat that only the engine can render has no text, and the reason is told', () => {
  const none = rendererOf({});
  assert.equal(render(none, {}), null);
  assert.match(none.problems.join(), /has no chat template/);
  const harmony = rendererOf({
    config: { chat_template: 'x' },
    files: { 'config.json': '{"model_type":"gpt_oss"}' },
  });
  assert.equal(render(harmony, {}), null);
  assert.match(harmony.problems.join(), /gpt_oss/);
  const broken = rendererOf({ config: { chat_template: "{% include 'x' %}" } });
  assert.equal(render(broken, {}), null);
  assert.match(broken.problems.join(), /chat template "default" of .*include/);
});

test('media give two texts that begin alike up to the first of them', () => {
  const renderer = rendererOf({
    config: {
      chat_template:
        "{% for m in messages %}U:{% for p in m.content %}{% if p.type == 'image' %}<img>{% else %}{{ p.text }}{% endif %}{% endfor %}{% endfor %}",
    },
  });
  const image = { type: 'image_url', image_url: { url: 'u' } };
  const content = [{ type: 'text', text: 'a' }, image, { type: 'text', text: 'b' }];
  const request = requestOf({ messages: [{ role: 'user', content }] });
  const texts = renderer.render(request, chatSettings())?.map((parts) => parts.join(''));
  assert.deepEqual(texts, ['U:a<img>b', 'U:ab']);
});
