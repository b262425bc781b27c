import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InspectError, inspectHash } from '../../src/cli/inspect-hash.js';
import { readHashVectorFiles } from '../support/hash-vectors.js';

for (const file of readHashVectorFiles()) {
  test(`any golden vector gives its own hashes: ${file.file}`, () => {
    for (const vector of file.vectors) {
      const { algo, profile } = file;
      const { coarse, ...fields } = vector;
      const result = inspectHash({ algorithm: algo, profile, ...vector });
      assert.deepEqual(
        result,
        algo === 'sha256_cbor_64bit'
          ? {
              none_hash_hex: BigInt(fields.none_hash_int ?? '')
                .toString(16)
                .padStart(16, '0'),
              none_hash_int: fields.none_hash_int,
              block_hashes_int: fields.block_hashes_int,
              event_ints: fields.event_ints,
            }
          : {
              none_hash_hex: fields.none_hash_hex,
              block_hashes_hex: fields.block_hashes_hex,
              event_ints: fields.event_ints,
              ...(coarse === undefined ? {} : { coarse }),
            },
        vector.name,
      );
    }
  });
}

const line = { algorithm: 'sha256_cbor', seed: '42', block_size: 4, token_ids: [1, 2, 3, 4, 5] };

test('a line without a seed has vLLM 0.29’s own root, and null fields are absent ones', () => {
  const { seed, ...unseeded } = line;
  assert.equal(seed, '42');
  const result = inspectHash({ ...unseeded, none_hash_hex: null, mm: null, lora_name: null });
  assert.deepEqual(result, inspectHash({ ...line, seed: 'vllm-none-hash' }));
});

test('a root may be given as integer or in upper case', () => {
  const old = { ...line, algorithm: 'sha256_cbor_64bit', seed: null };
  assert.deepEqual(
    inspectHash({ ...old, none_hash_int: '17921330210090130494' }),
    inspectHash({ ...old, seed: '0' }),
  );
  const rooted = { ...line, seed: null, none_hash_hex: 'ab'.repeat(32) };
  assert.deepEqual(inspectHash({ ...rooted, none_hash_hex: 'AB'.repeat(32) }), inspectHash(rooted));
});

test('token ids above 2^53 come as text', () => {
  assert.deepEqual(
    inspectHash({ ...line, token_ids: ['9007199254740993', 2, '3', 4] }),
    inspectHash({ ...line, token_ids: ['9007199254740993', '2', 3, 4] }),
  );
});

test('each mistake is named with its place and value', () => {
  const cases: [unknown, string][] = [
    [[], 'line: expected an object, got []'],
    [
      { ...line, algorithm: 'md5' },
      'algorithm: expected one of sha256_cbor, sha256, xxhash_cbor, xxhash, sha256_cbor_64bit, got "md5"',
    ],
    [
      { ...line, profile: 'v1' },
      'profile: expected one of main-2026-08-17, pre-2026-03-20, pre-2025-10-22, v0.10.0, got "v1"',
    ],
    [{ ...line, seed: 42 }, 'seed: expected a string, got 42'],
    [
      { ...line, seed: null, algorithm: 'xxhash' },
      'seed: expected a seed or none_hash_hex: xxhash has no default root, got null',
    ],
    [
      { ...line, seed: null, none_hash_hex: 'abc' },
      'none_hash_hex: expected 64 hex digits, got "abc"',
    ],
    [{ ...line, block_size: '16' }, 'block_size: expected an integer from 1 to 65536, got "16"'],
    [{ ...line, token_ids: 'abc' }, 'token_ids: expected a list of integers, got "abc"'],
    [
      { ...line, token_ids: [1, -1] },
      'token_ids[1]: expected an integer from 0 to 9223372036854775807, got -1',
    ],
    [
      { ...line, token_ids: [1, 2 ** 53] },
      'token_ids[1]: expected an integer from 0 to 9223372036854775807, got 9007199254740992',
    ],
    [{ ...line, lora_name: 5 }, 'lora_name: expected a string, got 5'],
    [{ ...line, cache_salt: {} }, 'cache_salt: expected a string, got {}'],
    [
      { ...line, prompt_len: -1 },
      `prompt_len: expected an integer from 0 to ${2 ** 53 - 1}, got -1`,
    ],
    [
      { ...line, mm: [{ identifier: 'a', offset: 1 }] },
      `mm[0].length: expected an integer from 0 to ${2 ** 53 - 1}, got nothing`,
    ],
    [
      {
        ...line,
        mm: [
          { identifier: 'a', offset: 3, length: 1 },
          { identifier: 'b', offset: 2, length: 1 },
        ],
      },
      'mm[1].offset: expected items in order, got 2',
    ],
    [
      { ...line, coarse: { target_block_size: 6 } },
      'coarse.target_block_size: expected a multiple of 4, got 6',
    ],
  ];
  for (const [input, message] of cases) {
    assert.throws(
      () => inspectHash(input),
      (error) => error instanceof InspectError && error.message === message,
      message,
    );
  }
});
