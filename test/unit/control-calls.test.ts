import assert from 'node:assert/strict';
import { test } from 'node:test';
import { controlCall } from '../../src/router/control-calls.js';

const effect = (path: string, query = '') => controlCall(path, query)?.effect;

test('what a call does to the blocks of an engine follows its path and query', () => {
  const cleared = { kind: 'clears', everywhere: false, sleeps: false };
  const asleep = { ...cleared, sleeps: true };
  const cases: [string, string, unknown][] = [
    ['/reset_prefix_cache', '', cleared],
    ['/reset_prefix_cache', 'reset_running_requests=true', cleared],
    ['/reset_prefix_cache', 'reset_external=true', { ...cleared, everywhere: true }],
    ['/sleep', '', asleep],
    ['/sleep', 'level=2', asleep],
    ['/sleep', 'level=0', { kind: 'none' }],
    ['/wake_up', '', { kind: 'wakes' }],
    ['/wake_up', 'tags=weights', { kind: 'none' }],
    ['/pause', '', cleared],
    ['/pause', 'clear_cache=false', { kind: 'none' }],
    ['/pause', 'mode=keep', { kind: 'none' }],
    ['/update_weights', '', cleared],
    ['/finish_weight_update', '', cleared],
    ['/collective_rpc', '', { kind: 'none' }],
    ['/v1/load_lora_adapter', '', { kind: 'adapters' }],
  ];
  for (const [path, query, wanted] of cases) assert.deepEqual(effect(path, query), wanted, path);
});

test('development calls are told from those every engine has, and both from anything else', () => {
  assert.equal(controlCall('/sleep', '')?.development, true);
  assert.equal(controlCall('/v1/unload_lora_adapter', '')?.development, false);
  for (const path of ['/tokenize', '/v1/embeddings', '/toString', '/__proto__', '/constructor']) {
    assert.equal(controlCall(path, ''), null);
  }
});
