// However an engine hashes, the router finds out by itself, or keys its blocks by their tokens.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type { SimEngine } from '../../src/sim/sim-engine.js';
import type { SimOptions } from '../../src/sim/sim-options.js';
import { post } from '../support/openai-client.js';
import { startRouter, TEST_MODEL, type TestRouter } from '../support/router.js';
import { startSim } from '../support/sim-engine.js';
import { tinyTokenizerFolder } from '../support/tiny-tokenizer.js';
import { waitFor } from '../support/wait-for.js';

const tokenizer = tinyTokenizerFolder({});
const LORA = 'adapter-a';

interface Ask {
  readonly prefix: number;
  readonly tail: number;
  readonly model?: string;
  readonly salt?: string;
}

async function ask({ url }: Pick<TestRouter, 'url'>, { prefix, tail, model, salt }: Ask) {
  const prompt = Array.from({ length: 200 }, (_, i) => prefix * 1000 + i);
  const answer = await post(`${url}/v1/completions`, {
    model: model ?? TEST_MODEL,
    prompt: [...prompt, tail],
    max_tokens: 1,
    ...(salt === undefined ? {} : { cache_salt: salt }),
  });
  assert.equal(answer.status, 200, answer.text);
  return {
    endpoint: answer.headers['x-warmpath-endpoint'],
    trust: answer.headers['x-warmpath-trust'],
    matched: Number(answer.headers['x-warmpath-matched-tokens']),
    cached: answer.body.usage.prompt_tokens_details.cached_tokens,
  };
}

/** Fills every engine past the router, so that all have something to prove. */
async function warm(sims: readonly SimEngine[], router: TestRouter, asks: readonly Ask[]) {
  for (const sim of sims) for (const one of asks) await fill(sim, one);
  const { fleet } = router.assembly;
  await waitFor('proofs', () => fleet.all.every(({ events }) => events?.settings != null));
  await waitFor('all events', () =>
    fleet.all.every(({ endpoint }, i) => {
      return router.assembly.index.blocksOf(endpoint.slot, 0) === sims[i]?.blockHashes().size;
    }),
  );
}

async function fill(sim: SimEngine, { prefix, tail, model, salt }: Ask): Promise<void> {
  const prompt = Array.from({ length: 200 }, (_, i) => prefix * 1000 + i);
  const extra = salt === undefined ? {} : { cache_salt: salt };
  const body = {
    model: model ?? sim.models.base,
    prompt: [...prompt, tail],
    max_tokens: 1,
    ...extra,
  };
  assert.equal((await post(`${sim.url}/v1/completions`, body)).status, 200);
}

interface Case {
  readonly what: string;
  readonly sim: Partial<SimOptions>;
  readonly model?: Record<string, unknown>;
  readonly trust: 'exact' | 'rehashed';
  readonly reason: RegExp;
}

const CASES: readonly Case[] = [
  {
    what: 'vLLM 0.29 as it comes (sha256, no seed), with no setting here',
    sim: { hashAlgorithm: 'sha256', hashSeed: null },
    trust: 'exact',
    reason: /sha256, default seed of vLLM 0\.29/,
  },
  {
    what: 'sha256_cbor with a seed that is configured',
    sim: { hashAlgorithm: 'sha256_cbor', hashSeed: '987654321' },
    model: { hashSeed: '987654321' },
    trust: 'exact',
    reason: /seed "987654321"/,
  },
  {
    what: 'a common seed that is not configured',
    sim: { hashAlgorithm: 'xxhash_cbor', hashSeed: '0' },
    trust: 'exact',
    reason: /engine runs with PYTHONHASHSEED=0, config has no hashSeed/,
  },
  {
    what: 'another algorithm than configured',
    sim: { hashAlgorithm: 'xxhash', hashSeed: '42' },
    model: { hashSeed: '42', hashAlgorithm: 'sha256' },
    trust: 'exact',
    reason: /engine hashes with xxhash, config says sha256/,
  },
  {
    what: 'vLLM 0.10: 64-bit chain, adapters by number, old events',
    sim: {
      hashAlgorithm: 'sha256_cbor_64bit',
      hashSeed: '42',
      extraKeyProfile: 'v0.10.0',
      eventSchema: 'S3',
    },
    trust: 'exact',
    reason: /sha256_cbor_64bit/,
  },
  {
    what: 'hashes sent as bytes',
    sim: { hashAlgorithm: 'sha256', hashSeed: null, hashesAsBytes: true, eventSchema: 'S8' },
    trust: 'exact',
    reason: /hashes proven/,
  },
  {
    what: 'a random root, as xxhash has without a seed',
    sim: { hashAlgorithm: 'xxhash_cbor', hashSeed: null },
    trust: 'rehashed',
    reason: /PYTHONHASHSEED is random/,
  },
  {
    what: 'a seed nobody knows, and blocks of 48',
    sim: { hashAlgorithm: 'sha256_cbor', hashSeed: '555555', blockSizeTokens: 48 },
    trust: 'rehashed',
    reason: /keyed by token ids/,
  },
];

for (const { what, sim: options, model = {}, trust, reason } of CASES) {
  test(`${what}: ${trust}, and predicted is reported`, async (t: TestContext) => {
    const sim = await startSim(t, { model: TEST_MODEL, loraAdapters: [LORA], ...options });
    const router = await startRouter(t, [sim], {}, { model: { tokenizer, ...model } });
    const asks: Ask[] = [
      { prefix: 1, tail: 1 },
      { prefix: 2, tail: 1, salt: 'tenant' },
      { prefix: 3, tail: 1, model: LORA },
    ];
    await warm([sim], router, asks);
    const [live] = router.assembly.fleet.all;
    assert.equal(live?.trust, trust);
    assert.match(live?.trustReason ?? '', reason);
    const size = sim.options.blockSizeTokens;
    for (const one of asks) {
      const answer = await ask(router, { ...one, tail: 99 });
      assert.deepEqual(
        [answer.trust, answer.matched, answer.cached],
        [trust, Math.floor(200 / size) * size, Math.floor(200 / size) * size],
        JSON.stringify(one),
      );
    }
    // The same tokens under another key are another prefix.
    assert.equal((await ask(router, { prefix: 1, tail: 5, salt: 'x' })).matched, 0);
    assert.equal((await ask(router, { prefix: 1, tail: 5, model: LORA })).matched, 0);
  });
}

test('endpoints of one model may differ in seed, algorithm and block size', async (t) => {
  const sims = [
    await startSim(t, { model: TEST_MODEL, hashAlgorithm: 'sha256' }),
    await startSim(t, { model: TEST_MODEL, hashSeed: '123', blockSizeTokens: 32 }),
    await startSim(t, { model: TEST_MODEL, hashAlgorithm: 'xxhash', hashSeed: null }),
  ];
  const router = await startRouter(t, sims, {}, { model: { tokenizer } });
  await warm(sims, router, [{ prefix: 1, tail: 1 }]);
  const { fleet } = router.assembly;
  assert.deepEqual(
    fleet.all.map((live) => live.trust),
    ['exact', 'exact', 'rehashed'],
  );
  // Each holds prefixes of its own besides.
  for (const [i, sim] of sims.entries()) await fill(sim, { prefix: 10 + i, tail: 1 });
  await waitFor('all events', () =>
    fleet.all.every(({ endpoint }, i) => {
      return router.assembly.index.blocksOf(endpoint.slot, 0) === sims[i]?.blockHashes().size;
    }),
  );
  for (const [i, name] of ['a', 'b', 'c'].entries()) {
    const answer = await ask(router, { prefix: 10 + i, tail: 2 });
    assert.equal(answer.endpoint, name);
    assert.deepEqual([answer.matched, answer.cached], [192, 192]);
  }
});

test('adapters hashed by number: each has its own blocks, and none those of another', async (t) => {
  const sim = await startSim(t, {
    ...{ model: TEST_MODEL, hashSeed: '42', eventSchema: 'S4', extraKeyProfile: 'pre-2025-10-22' },
    loraAdapters: ['first', 'second'],
  });
  const router = await startRouter(t, [sim], {}, { model: { tokenizer } });
  // What is seen first does not tell such an engine from one that hashes names.
  await warm([sim], router, [{ prefix: 1, tail: 1 }]);
  await warm([sim], router, [{ prefix: 2, tail: 1, model: 'first' }]);
  await warm([sim], router, [{ prefix: 3, tail: 1, model: 'second' }]);
  const { fleet } = router.assembly;
  await waitFor('the rules', () => fleet.all[0]?.settings?.profile === 'pre-2025-10-22');
  const matched = async (prefix: number, model: string) => {
    const answer = await ask(router, { prefix, tail: 99, model });
    return [answer.trust, answer.matched, answer.cached];
  };
  assert.deepEqual(await matched(3, 'second'), ['exact', 192, 192]);
  assert.deepEqual(await matched(2, 'first'), ['exact', 192, 192]);
  assert.deepEqual(await matched(2, 'second'), ['exact', 0, 0]);
});

test('several models in one router keep their settings apart', async (t) => {
  const one = await startSim(t, { model: 'one', hashSeed: '42' });
  const two = await startSim(t, { model: 'two', hashAlgorithm: 'sha256', blockSizeTokens: 64 });
  const entry = (sim: SimEngine, hashSeed: string | null) => {
    const { url, kvEvents, kvReplay } = sim;
    const endpoints = { static: [{ name: sim.models.base, url, kvEvents, kvReplay }] };
    return { name: sim.models.base, tokenizer, endpoints, ...(hashSeed && { hashSeed }) };
  };
  const models = [entry(one, '42'), entry(two, null)];
  const router = await startRouter(t, [], { models });
  await warm([one, two], router, [{ prefix: 1, tail: 1 }]);
  for (const sim of [one, two]) {
    const answer = await ask(router, { prefix: 1, tail: 2, model: sim.models.base });
    assert.deepEqual(
      [answer.endpoint, answer.trust, answer.matched, answer.cached],
      [sim.models.base, 'exact', 192, 192],
    );
  }
});
