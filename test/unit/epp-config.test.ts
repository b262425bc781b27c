import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { parseEppText } from '../../src/config/epp-config.js';
import { ConfigError } from '../../src/errors.js';

const sample = (name: string) => readFileSync(`test/vectors/epp/${name}.yaml`, 'utf8');
const weights = (text: string) =>
  parseEppText(text, 'epp.yaml').scorers.map(({ type, weight }) => [type, weight]);

function refuses(text: string, ...patterns: readonly RegExp[]) {
  assert.throws(
    () => parseEppText(text, 'epp.yaml'),
    (failure) => {
      assert.ok(failure instanceof ConfigError, String(failure));
      for (const pattern of patterns) assert.match(failure.message, pattern);
      return true;
    },
  );
}

test('the seed sample loads unchanged: prefix 2.0, load 1.0, block 64, seed "42", events to 5557', () => {
  const plan = parseEppText(sample('generation-1'), '--config-text');
  assert.deepEqual(
    plan.scorers.map(({ type, weight }) => [type, weight]),
    [
      ['prefix-cache-scorer', 2],
      ['load-aware-scorer', 1],
    ],
  );
  assert.equal(plan.picker, 'max-score-picker');
  assert.equal(plan.blockSizeTokens, 64);
  assert.equal(plan.hashSeed, '42');
  assert.equal(plan.events.zmqEndpoint, 'tcp://*:5557');
});

test('generation 2 loads: index settings beside indexerConfig, four scorers', () => {
  const plan = parseEppText(sample('generation-2'), 'epp.yaml');
  assert.deepEqual(
    plan.scorers.map(({ type, weight }) => [type, weight]),
    [
      ['prefix-cache-scorer', 3],
      ['kv-cache-utilization-scorer', 2],
      ['queue-scorer', 2],
      ['active-request-scorer', 3],
    ],
  );
  assert.equal(plan.blockSizeTokens, 64);
  assert.equal(plan.hashSeed, '42');
  assert.equal(plan.events.zmqEndpoint, 'tcp://*:5557');
});

test('generation 3 loads, and says that engines which connect would reach nobody', () => {
  const plan = parseEppText(sample('generation-3'), 'epp.yaml');
  assert.equal(plan.blockSizeTokens, 64);
  assert.deepEqual(plan.events.discover, { port: 5557, replayPort: null });
  assert.equal(plan.events.zmqEndpoint, null);
  assert.ok(plan.problems.some((problem) => /nothing is bound/.test(problem)));
});

test('a scorer without a weight weighs 1, and a whole number is a weight', () => {
  const text = `plugins: [{type: queue-scorer}, {type: load-aware-scorer}]
schedulingProfiles:
  - plugins: [{pluginRef: queue-scorer}, {pluginRef: load-aware-scorer, weight: 3}]`;
  assert.deepEqual(weights(text), [
    ['queue-scorer', 1],
    ['load-aware-scorer', 3],
  ]);
});

test('a plugin is found by its name or, when it has none of that name, by its type', () => {
  const text = (ref: string) => `plugins: [{name: mine, type: queue-scorer}]
schedulingProfiles: [{plugins: [{pluginRef: ${ref}, weight: 2}]}]`;
  assert.deepEqual(weights(text('mine')), [['queue-scorer', 2]]);
  assert.deepEqual(weights(text('queue-scorer')), [['queue-scorer', 2]]);
});

test('an unknown plugin, a dangling reference and an unknown parameter are named, with the nearest name', () => {
  refuses('plugins: [{type: prefix-cash-scorer}]', /prefix-cash-scorer/, /prefix-cache-scorer/);
  refuses(
    `plugins: [{type: precise-prefix-cache-scorer}]
schedulingProfiles: [{plugins: [{pluginRef: prefix-cache-scorer}]}]`,
    /pluginRef/,
    /"prefix-cache-scorer"/,
    /precise-prefix-cache-scorer/,
  );
  refuses(
    `plugins: [{type: load-aware-scorer, parameters: {treshold: 5}}]
schedulingProfiles: [{plugins: [{pluginRef: load-aware-scorer}]}]`,
    /treshold/,
    /threshold/,
  );
});

test('a real plugin that Warmpath lacks is refused by name', () => {
  refuses('plugins: [{type: disagg-profile-handler}]', /disagg-profile-handler/, /not supported/);
});

test('two plugins of one name are refused', () => {
  refuses('plugins: [{type: queue-scorer}, {type: queue-scorer}]', /"queue-scorer"/);
});

test('durations are Go strings or nanoseconds', () => {
  const text = (ttl: string) => `plugins:
  - {type: precise-prefix-cache-producer, parameters: {speculativeIndexing: true, speculativeTTL: ${ttl}}}`;
  assert.equal(parseEppText(text('"1m30s"'), 'e').speculative?.ttlMs, 90_000);
  assert.equal(parseEppText(text('2000000000'), 'e').speculative?.ttlMs, 2000);
  refuses(text('"2 parsecs"'), /speculativeTTL/, /2 parsecs/);
});

test('text that is no YAML is refused with line and column', () => {
  refuses('plugins: [', /epp\.yaml:1:/);
});
