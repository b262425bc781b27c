import assert from 'node:assert/strict';
import test from 'node:test';
import { routeOf } from '../../src/router/route-table.js';

test('each path is treated as its class wants', () => {
  const cases: readonly (readonly [string, string, unknown])[] = [
    ['POST', '/v1/chat/completions', { kind: 'generation', shape: 'chat' }],
    ['POST', '/v1/chat/completions/batch', { kind: 'generation', shape: 'chat-batch' }],
    ['POST', '/generative_scoring', { kind: 'generation', shape: 'scoring' }],
    ['POST', '/invocations', { kind: 'generation', shape: 'invocation' }],
    ['GET', '/invocations', { kind: 'wrong-method', allowed: 'POST' }],
    ['POST', '/v1/messages', { kind: 'generation', shape: 'messages' }],
    ['POST', '/v1/messages/count_tokens', { kind: 'relay', repeatable: true }],
    ['GET', '/v1/completions', { kind: 'wrong-method', allowed: 'POST' }],
    ['OPTIONS', '/v1/completions', { kind: 'relay', repeatable: true }],
    ['GET', '/v1/responses/resp_%31', { kind: 'response', id: 'resp_1' }],
    ['POST', '/v1/responses/resp_1/cancel', { kind: 'response', id: 'resp_1' }],
    ['GET', '/v1/models', { kind: 'models' }],
    ['POST', '/v1/models', { kind: 'relay', repeatable: false }],
    ['GET', '/v1/models/a/b', { kind: 'model', id: 'a/b' }],
    ['GET', '/v1/models/a%2Fb', { kind: 'model', id: 'a/b' }],
    ['POST', '/v1/load_lora_adapter', { kind: 'adapter', action: 'load' }],
    ['POST', '/ping', { kind: 'health' }],
    ['HEAD', '/health', { kind: 'health' }],
    ['POST', '/v1/embeddings', { kind: 'relay', repeatable: true }],
    ['GET', '/%', { kind: 'relay', repeatable: true }],
  ];
  for (const [method, path, route] of cases) {
    assert.deepEqual(routeOf(method, path, ''), route, `${method} ${path}`);
  }
});

test('calls that change engines are known however their path is written', () => {
  for (const path of ['/sleep', '/%73leep', '/api//sleep/', '/./sleep', '/start_profile']) {
    assert.equal(routeOf('POST', path, '').kind, 'control', path);
  }
});
