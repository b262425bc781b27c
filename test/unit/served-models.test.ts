import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ServedModels } from '../../src/sim/served-models.js';

test('adapters come and go under the base model; numbers are never used again', () => {
  const models = new ServedModels('base', 4096, ['a']);
  assert.equal(models.resolve('base'), null);
  assert.equal(models.resolve(''), null);
  assert.equal(models.resolve('a')?.id, 1);
  assert.deepEqual([models.load('b', '/b'), models.load('b', '/b')], [true, false]);
  assert.equal(models.load('base', '/x'), false);
  assert.deepEqual([models.unload('a'), models.unload('a')], [true, false]);
  assert.throws(() => models.resolve('a'), { code: 'model_not_found', param: 'model' });
  assert.equal(models.load('a', '/a2'), true);
  assert.deepEqual(models.resolve('a'), { name: 'a', id: 3, path: '/a2' });
  assert.deepEqual(models.adapterNames, ['b', 'a']);
});

test('the list has the fields of vLLM', () => {
  const list = new ServedModels('base', 4096, ['a']).list();
  const created = JSON.parse(JSON.stringify(list)).data[0].created;
  assert.ok(Math.abs(created - Date.now() / 1000) < 60);
  const card = { object: 'model', created, owned_by: 'vllm', permission: [] };
  assert.deepEqual(list, {
    object: 'list',
    data: [
      { ...card, id: 'base', root: 'base', parent: null, max_model_len: 4096 },
      { ...card, id: 'a', root: '/adapters/a', parent: 'base', max_model_len: null },
    ],
  });
});
