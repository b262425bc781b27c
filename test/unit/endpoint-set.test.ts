import assert from 'node:assert/strict';
import test from 'node:test';
import { EndpointSet } from '../../src/endpoint/endpoint-set.js';
import { ConfigError } from '../../src/errors.js';

const address = (name: string, model = 'm') => ({
  name,
  url: `http://${name}:8000`,
  model,
  kvEvents: null,
  kvReplay: null,
  dataParallelRank: null,
});

test('a slot is used again only after the index forgot its last tenant', () => {
  const set = new EndpointSet(8);
  const a = set.add(address('a'));
  set.remove(a.slot);
  const b = set.add(address('b'));
  assert.notEqual(b.slot, a.slot);
  set.forgotten(a.slot);
  const c = set.add(address('c'));
  assert.equal(c.slot, a.slot);
  assert.ok(c.epoch > a.epoch);
});

test('forgetting a slot that is in use again changes nothing', () => {
  const set = new EndpointSet(8);
  const a = set.add(address('a'));
  set.forgotten(a.slot);
  assert.notEqual(set.add(address('b')).slot, a.slot);
});

test('a name is taken once, and free again after its endpoint left', () => {
  const set = new EndpointSet(8);
  const a = set.add(address('a'));
  assert.throws(() => set.add(address('a')), /"a" is used twice/);
  set.remove(a.slot);
  assert.equal(set.add(address('a')).name, 'a');
});

test('one endpoint more than the limit is refused by name', () => {
  const set = new EndpointSet(1);
  set.add(address('a'));
  assert.throws(
    () => set.add(address('b')),
    (failure) => failure instanceof ConfigError && /"b".*at most 1 endpoint/.test(failure.message),
  );
});

test('endpoints are listed by the model they serve', () => {
  const set = new EndpointSet(8);
  const a = set.add(address('a', 'x'));
  set.add(address('b', 'y'));
  const c = set.add(address('c', 'x'));
  assert.deepEqual(set.ofModel('x'), [a, c]);
  set.remove(a.slot);
  assert.deepEqual(set.ofModel('x'), [c]);
  assert.deepEqual(set.ofModel('z'), []);
});
