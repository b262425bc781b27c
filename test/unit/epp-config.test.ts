import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseEppText } from '../../src/config/epp-config.js';
import { ConfigError } from '../../src/errors.js';

const sample = (generation: number) =>
  readFileSync(
    new URL(`../../../test/vectors/epp/generation-${generation}.yaml`, import.meta.url),
    'utf8',
  );
const weights = (plan: ReturnType<typeof parseEppText>) =>
  plan.scorers.map(({ type, weight }) => [type, weight]);

/** A configuration of these plugins, and of these references when given. */
function epp(plugins: string, references?: string): ReturnType<typeof parseEppText> {
  const profile =
    references === undefined ? '' : `\nschedulingProfiles: [{ plugins: ${references} }]`;
  return parseEppText(`plugins: ${plugins}${profile}`, 'epp.yaml');
}
function refused(act: () => unknown, ...parts: string[]): void {
  assert.throws(act, (error: unknown) => {
    assert.ok(error instanceof ConfigError, String(error));
    for (const part of parts) assert.ok(error.message.includes(part), `${error.message} / ${part}`);
    return true;
  });
}

test("the seed's own sample loads unchanged, leading blank line and all", () => {
  const text = sample(1);
  assert.ok(text.startsWith('\napiVersion'));
  const plan = parseEppText(text, '--config-text');
  assert.deepEqual(weights(plan), [
    ['prefix-cache-scorer', 2],
    ['load-aware-scorer', 1],
  ]);
  assert.equal(plan.picker, 'max-score-picker');
  assert.equal(plan.blockSizeTokens, 64);
  assert.equal(plan.hashSeed, '42');
  assert.deepEqual(plan.events, {
    zmqEndpoint: 'tcp://*:5557',
    zmqEndpointIsDefault: true,
    topicFilter: null,
    discover: null,
  });
  assert.deepEqual(plan.problems, []);
});

test('the second generation maps its scorer and binds where it says', () => {
  const plan = parseEppText(sample(2), 'g2');
  assert.deepEqual(weights(plan), [
    ['prefix-cache-scorer', 3],
    ['kv-cache-utilization-scorer', 2],
    ['queue-scorer', 2],
    ['active-request-scorer', 3],
  ]);
  assert.deepEqual(plan.scorers[3]?.parameters, { idleThreshold: 0, maxBusyScore: 0 });
  assert.equal(plan.hashSeed, '42');
  assert.equal(plan.events.zmqEndpoint, 'tcp://*:5557');
  assert.equal(plan.events.zmqEndpointIsDefault, false);
  assert.ok(
    plan.mapped.includes('precise-prefix-cache-scorer: scorer as prefix-cache-scorer, weight 3'),
  );
});

test('the third generation loads and says that two connecting sides get no events', () => {
  const plan = parseEppText(sample(3), 'g3');
  assert.deepEqual(weights(plan)[0], ['prefix-cache-scorer', 3]);
  assert.equal(plan.blockSizeTokens, 64);
  assert.equal(plan.events.topicFilter, 'kv@');
  assert.deepEqual(plan.events.discover, { port: 5557, replayPort: null });
  assert.equal(plan.problems.length, 1);
  assert.match(plan.problems[0] ?? '', /no event source can connect/);
  for (const plugin of [
    'single-profile-handler',
    'token-producer',
    'precise-prefix-cache-producer',
  ]) {
    assert.ok(
      plan.mapped.some((line) => line.startsWith(plugin)),
      plugin,
    );
  }
});

test('tokenProcessorConfig counts in both positions and under both names of the block size', () => {
  const cases = [
    '{ tokenProcessorConfig: { blockSize: 32, hashSeed: "7" } }',
    '{ tokenProcessorConfig: { blockSizeTokens: 32, hashSeed: 7 } }',
    '{ indexerConfig: { tokenProcessorConfig: { blockSize: 32, hashSeed: "7" } } }',
    '{ indexerConfig: { tokenProcessorConfig: { blockSize: 32 } }, tokenProcessorConfig: { hashSeed: "7" } }',
  ];
  for (const parameters of cases) {
    for (const type of ['precise-prefix-cache-scorer', 'precise-prefix-cache-producer']) {
      const plan = epp(`[{ type: ${type}, parameters: ${parameters} }]`);
      assert.equal(plan.blockSizeTokens, 32);
      assert.equal(plan.hashSeed, '7');
    }
  }
  refused(
    () =>
      epp(
        '[{ type: precise-prefix-cache-producer, parameters: { tokenProcessorConfig: { blockSize: 16 }, indexerConfig: { tokenProcessorConfig: { blockSize: 64 } } } }]',
      ),
    'tokenProcessorConfig.blockSize',
    '16 differs from 64',
  );
  refused(
    () =>
      epp(
        '[{ type: precise-prefix-cache-producer, parameters: { tokenProcessorConfig: { blockSize: 16, blockSizeTokens: 64 } } }]',
      ),
    'blockSizeTokens 64 and blockSize 16 differ',
  );
});

test('a seed written as a number keeps its digits and is remarked upon', () => {
  const parameters = '{ tokenProcessorConfig: { hashSeed: 042 } }';
  const plan = epp(`[{ type: precise-prefix-cache-producer, parameters: ${parameters} }]`);
  assert.equal(plan.hashSeed, '042');
  assert.equal(plan.problems.filter((problem) => problem.includes('"042"')).length, 1);
});

test('a producer decides over a scorer with index settings of its own, and that is reported', () => {
  const plan = epp(
    '[{ type: precise-prefix-cache-scorer, parameters: { tokenProcessorConfig: { blockSize: 16 } } }, { type: precise-prefix-cache-producer, parameters: { tokenProcessorConfig: { blockSize: 64 } } }]',
  );
  assert.equal(plan.blockSizeTokens, 64);
  assert.ok(plan.problems.some((problem) => problem.includes('tokenProcessorConfig is ignored')));
});

test('references work by name, and by type when one plugin has it', () => {
  const plugins =
    '[{ name: cache, type: prefix-cache-scorer }, { name: calm, type: queue-scorer }]';
  const plan = epp(plugins, '[{ pluginRef: cache, weight: 2 }, { pluginRef: queue-scorer }]');
  assert.deepEqual(
    plan.scorers.map(({ name, weight }) => [name, weight]),
    [
      ['cache', 2],
      ['calm', 1],
    ],
  );
  refused(
    () =>
      epp(
        '[{ name: a, type: queue-scorer }, { name: b, type: queue-scorer }]',
        '[{ pluginRef: queue-scorer }]',
      ),
    '2 plugins have the type "queue-scorer"',
  );
});

test('mistakes are errors that name place, value and the nearest known name', () => {
  const scorer = '{ type: load-aware-scorer }';
  const cases: [act: () => unknown, ...parts: string[]][] = [
    [
      () => epp('[{ type: load-awar-scorer }]'),
      'epp.yaml:1:19: plugins[0].type',
      '"load-awar-scorer"',
      '"load-aware-scorer"',
    ],
    [
      () => epp(`[${scorer}, ${scorer}]`),
      'plugins[1]',
      'a second plugin is named "load-aware-scorer"',
    ],
    [
      () => epp('[{ type: precise-prefix-cache-scorer }]', '[{ pluginRef: prefix-cache-scorer }]'),
      'schedulingProfiles[0].plugins[0].pluginRef',
      'did you mean "precise-prefix-cache-scorer"',
    ],
    [
      () => epp('[{ type: load-aware-scorer, parameters: { treshold: 5 } }]'),
      'parameters.treshold',
      'value 5',
      '"threshold"',
    ],
    [() => epp('[{ type: queue-scorer, parameters: { x: 1 } }]'), 'parameters.x: unknown key'],
    [() => epp('[{ type: max-score-picker, parameters: { maxNum: 1 } }]'), 'parameters.maxNum'],
    [() => epp('[{ type: token-producer, parameters: { modelNam: m } }]'), '"modelName"'],
    [() => epp('[{ type: disagg-profile-handler }]'), '"disagg-profile-handler" is not supported'],
    [
      () => epp(`[${scorer}]`, '[{ pluginRef: load-aware-scorer, weight: heavy }]'),
      'weight',
      '"heavy"',
    ],
    [
      () => epp(`[${scorer}]`, '[{ pluginRef: load-aware-scorer, weight: -1 }]'),
      '-1 is out of range',
    ],
    [
      () =>
        epp(`[${scorer}]`, '[{ pluginRef: load-aware-scorer }, { pluginRef: load-aware-scorer }]'),
      'referenced twice',
    ],
    [
      () =>
        epp(
          '[{ type: max-score-picker }, { type: random-picker }]',
          '[{ pluginRef: max-score-picker }, { pluginRef: random-picker }]',
        ),
      'a second picker',
    ],
    [() => parseEppText(`plugins: [${scorer}]\nschedulingProfiles: [{}, {}]`, 'f'), '2 profiles'],
    [
      () => parseEppText(`plugins: [${scorer}]\nparser: { pluginRef: openai }`, 'f'),
      'parser.pluginRef',
    ],
    [
      () =>
        parseEppText(
          `plugins: [${scorer}]\ndataLayer: { sources: [{ pluginRef: load-aware-scorer, extractors: [{ pluginRef: zzzzzz }] }] }`,
          'f',
        ),
      'dataLayer.sources[0].extractors[0].pluginRef',
    ],
    [() => parseEppText(`plugins: [${scorer}]\nkind: Pod`, 'f'), 'kind', '"Pod"'],
    [
      () => parseEppText(`plugins: [${scorer}]\napiVersion: v1`, 'f'),
      'apiVersion',
      'llm-d.ai/v1alpha1',
    ],
    [() => parseEppText('plugins: []', 'f'), 'plugins: has 0 items'],
    [() => parseEppText('', 'f'), 'plugins: is required'],
    [() => parseEppText('- 1', 'f'), 'must be a mapping'],
    [() => parseEppText('plugins: [', 'f'), 'f:1:'],
    [
      () =>
        epp(
          '[{ type: precise-prefix-cache-producer, parameters: { indexerConfig: { kvBlockIndexConfig: { redisConfig: { address: a } } } } }]',
        ),
      'redisConfig',
      'not supported',
    ],
    [
      () =>
        epp(
          '[{ type: precise-prefix-cache-producer, parameters: { kvEventsConfig: { engineType: sglang } } }]',
        ),
      '"sglang"',
    ],
  ];
  for (const [act, ...parts] of cases) refused(act, ...parts);
});

test('durations are Go strings or nanoseconds', () => {
  const ttl = (value: string) =>
    epp(
      `[{ type: precise-prefix-cache-producer, parameters: { speculativeIndexing: true, speculativeTTL: ${value} } }]`,
    ).speculative;
  assert.deepEqual(ttl('2s'), { enabled: true, ttlMs: 2000 });
  assert.deepEqual(ttl('1m0.5s'), { enabled: true, ttlMs: 60_500 });
  assert.deepEqual(ttl('1500000000'), { enabled: true, ttlMs: 1500 });
  for (const bad of ['"2"', 'soon', '-1s', 'true', '[]', '""']) {
    refused(() => ttl(bad), 'speculativeTTL');
  }
  assert.equal(epp('[{ type: precise-prefix-cache-producer }]').speculative, null);
});

test('index bounds come from bytes before entries, tiers from their weights', () => {
  const plan = (config: string) =>
    epp(`[{ type: precise-prefix-cache-producer, parameters: { indexerConfig: ${config} } }]`);
  assert.equal(
    plan('{ kvBlockIndexConfig: { inMemoryConfig: { size: 1000 } } }').indexMaxBytes,
    64_000,
  );
  assert.equal(
    plan(
      '{ kvBlockIndexConfig: { inMemoryConfig: { size: 1000 }, costAwareMemoryConfig: { size: 1GiB } } }',
    ).indexMaxBytes,
    2 ** 30,
  );
  assert.deepEqual(plan('{ kvCacheBackendConfigs: [{ name: cpu, weight: 0.5 }] }').tierWeights, {
    gpu: 1,
    cpu: 0.5,
  });
});

test('without a profile everything that is declared takes part, as in llm-d', () => {
  const plan = epp(
    '[{ type: prefix-cache-scorer }, { type: queue-scorer }, { type: random-picker }]',
  );
  assert.deepEqual(weights(plan), [
    ['prefix-cache-scorer', 1],
    ['queue-scorer', 1],
  ]);
  assert.equal(plan.picker, 'random-picker');
});

test('no way for events to arrive is said in plain words', () => {
  const plan = epp(
    '[{ type: precise-prefix-cache-producer, parameters: { kvEventsConfig: { discoverPods: false } } }]',
  );
  assert.equal(plan.events.discover, null);
  assert.ok(plan.problems.some((problem) => problem.includes('no event source can connect')));
});

test('settings without effect are accepted and reported', () => {
  const plan = parseEppText(
    'featureGates: [flowControl]\nflowControl: { maxBytes: 1 }\nplugins: [{ type: max-score-picker }, { type: utilization-detector, parameters: { headroom: 0.1 } }]\nsaturationDetector: { pluginRef: utilization-detector }',
    'f',
  );
  assert.ok(plan.problems.some((problem) => problem.startsWith('featureGates')));
  assert.ok(plan.problems.some((problem) => problem.startsWith('flowControl')));
  assert.ok(plan.problems.some((problem) => problem.startsWith('no scorer')));
  assert.ok(plan.mapped.some((line) => line.startsWith('utilization-detector: not applied')));
});
