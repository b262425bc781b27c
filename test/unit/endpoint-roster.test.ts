import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointSpec, WantedEndpoint } from '../../src/endpoint/endpoint.js';
import { EndpointSet } from '../../src/endpoint/endpoint-set.js';
import { setLogLevel } from '../../src/log.js';
import { EndpointRoster, type RosterMember } from '../../src/router/endpoint-roster.js';

setLogLevel('error');

/** A fleet that is only a set of endpoints; its slots become free when the test says so. */
function fleet(limit = 8) {
  const set = new EndpointSet(limit);
  const members = new Map<string, RosterMember>();
  const leaving: number[] = [];
  const roster = new EndpointRoster({
    add(spec: EndpointSpec) {
      const member = { endpoint: set.add(spec), draining: false, joining: false };
      members.set(spec.name, member);
      return member;
    },
    remove(name: string) {
      const endpoint = set.named(name);
      assert.ok(endpoint !== undefined, `${name} is not in the fleet`);
      set.remove(endpoint.slot);
      members.delete(name);
      leaving.push(endpoint.slot);
    },
  });
  const free = () => {
    for (const slot of leaving.splice(0)) set.forgotten(slot);
    roster.retry();
  };
  return { roster, members, names: () => set.all.map(({ name }) => name).sort(), free };
}

const wanted = (name: string, more: Partial<WantedEndpoint> = {}): WantedEndpoint => ({
  name,
  url: `http://${name}:8000`,
  kvEvents: null,
  kvReplay: null,
  dataParallelRank: null,
  identity: null,
  draining: false,
  ...more,
});

test('a list adds what is new, removes what is missing and leaves the rest alone', () => {
  const { roster, members, names } = fleet();
  assert.deepEqual(roster.set('m', [wanted('a'), wanted('b')]).added, ['a', 'b']);
  const b = members.get('b');
  const change = roster.set('m', [wanted('b'), wanted('c')]);
  assert.deepEqual(change, { added: ['c'], removed: ['a'], refused: [] });
  assert.deepEqual(names(), ['b', 'c']);
  assert.equal(members.get('b'), b);
  assert.deepEqual(roster.set('m', [wanted('c'), wanted('b')]), {
    added: [],
    removed: [],
    refused: [],
  });
});

test('another identity under the same name and address is another engine', () => {
  const { roster, members } = fleet();
  roster.set('m', [wanted('a', { identity: 'uid-1' })]);
  const first = members.get('a')?.endpoint;
  const { added, removed } = roster.set('m', [wanted('a', { identity: 'uid-2' })]);
  assert.deepEqual([added, removed], [['a'], ['a']]);
  const second = members.get('a')?.endpoint;
  assert.ok(first !== undefined && second !== undefined);
  assert.ok(second.epoch > first.epoch && second.slot !== first.slot);
});

test('an address given to another pod moves to it, whatever the names are', () => {
  const { roster, names } = fleet();
  const url = 'http://10.0.0.7:8000';
  roster.set('m', [wanted('old', { url, identity: 'uid-1' })]);
  roster.set('m', [wanted('new', { url, identity: 'uid-2' })]);
  assert.deepEqual(names(), ['new']);
});

test('draining keeps the endpoint and what is known of it, and ends again', () => {
  const { roster, members } = fleet();
  roster.set('m', [wanted('a', { identity: 'u' })]);
  const a = members.get('a');
  assert.ok(a !== undefined);
  roster.set('m', [wanted('a', { identity: 'u', draining: true })]);
  assert.equal(members.get('a'), a);
  assert.equal(a.draining, true);
  roster.set('m', [wanted('a', { identity: 'u' })]);
  assert.equal(a.draining, false);
});

test('what found no slot joins when one is free', () => {
  const { roster, names, free } = fleet(2);
  const { refused } = roster.set(
    'm',
    ['a', 'b', 'c'].map((name) => wanted(name)),
  );
  assert.deepEqual(refused, ['c']);
  // a is gone, but the index has not forgotten it yet.
  assert.deepEqual(roster.set('m', [wanted('b'), wanted('c')]).refused, ['c']);
  free();
  assert.deepEqual(names(), ['b', 'c']);
});

test('what is not wanted any more does not join later', () => {
  const { roster, names, free } = fleet(1);
  roster.set('m', [wanted('a'), wanted('b')]);
  roster.set('m', []);
  free();
  assert.deepEqual(names(), []);
});

test('one endpoint serves one model, and changes hands when the first lets go of it', () => {
  const { roster, names, free } = fleet();
  roster.set('x', [wanted('a')]);
  assert.deepEqual(roster.set('y', [wanted('a')]).refused, ['a']);
  roster.set('x', []);
  assert.deepEqual(names(), []);
  free();
  assert.deepEqual(names(), ['a']);
});

test('a name listed twice is taken once', () => {
  const { roster, names } = fleet();
  const twice = [wanted('a'), wanted('a', { url: 'http://elsewhere:8000' })];
  assert.deepEqual(roster.set('m', twice).refused, ['a']);
  assert.deepEqual(names(), ['a']);
  assert.deepEqual(roster.set('m', twice).added, []);
});
