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

test('forgetting a slot twice gives it to one endpoint only', () => {
  const set = new EndpointSet(8);
  const a = set.add(address('a'));
  set.forgotten(5);
  set.remove(a.slot);
  set.forgotten(a.slot);
  set.forgotten(a.slot);
  const slots = [set.add(address('b')).slot, set.add(address('c')).slot];
  assert.deepEqual(slots, [0, 1]);
});

test('slots that are leaving count against the limit until they are forgotten', () => {
  const set = new EndpointSet(1);
  const a = set.add(address('a'));
  set.remove(a.slot);
  assert.throws(() => set.add(address('b')), ConfigError);
  set.forgotten(a.slot);
  assert.equal(set.add(address('b')).slot, a.slot);
});

test('an address is taken once, but two ranks share one', () => {
  const set = new EndpointSet(8);
  set.add(address('a'));
  const again = { ...address('b'), url: address('a').url };
  assert.throws(() => set.add(again), /"b": http:\/\/a:8000 is a already/);
  set.add({ ...again, dataParallelRank: 0 });
  set.add({ ...again, name: 'c', dataParallelRank: 1 });
});

test('a view that was handed out never changes', () => {
  const set = new EndpointSet(8);
  const a = set.add(address('a'));
  const view = set.all;
  set.add(address('b'));
  assert.deepEqual(view, [a]);
  assert.ok(Object.isFrozen(view) && Object.isFrozen(a));
});
