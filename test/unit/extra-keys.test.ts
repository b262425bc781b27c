import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import {
  encodeExtraKeys,
  extraKeysOfBlock,
  NO_KEYS,
  type PromptKeys,
  serializeKeys,
} from '../../src/prefix/extra-keys.js';

const MAIN = 'main-2026-08-17';
const image = { identifier: 'img', offset: 10, length: 20 };
const video = { identifier: 'vid', offset: 34, length: 4 };

function keysOfBlocks(keys: PromptKeys, profile: 'main-2026-08-17' | 'pre-2026-03-20', count = 4) {
  return Array.from({ length: count }, (_, block) => extraKeysOfBlock(keys, profile, 16, block));
}

test('a prompt without keys has null, never an empty list', () => {
  assert.equal(extraKeysOfBlock(NO_KEYS, MAIN, 16, 0), null);
  assert.equal(extraKeysOfBlock({ ...NO_KEYS, cacheSalt: '' }, MAIN, 16, 0), null);
});

test('the order is LoRA, media, salt, embeddings', () => {
  const keys: PromptKeys = {
    loraName: 'l',
    loraIntId: 3,
    cacheSalt: 's',
    media: [image],
    promptTokens: null,
    promptEmbeds: { bytes: new Uint8Array(64), rowBytes: 2 },
  };
  const rows = new Uint8Array(createHash('sha256').update(new Uint8Array(32)).digest());
  assert.deepEqual(extraKeysOfBlock(keys, MAIN, 16, 0), ['l', ['img', 10], 's', rows]);
  assert.deepEqual(extraKeysOfBlock(keys, MAIN, 16, 1), ['l', ['img', -6], rows]);
});

test('rows past the embeddings hash as nothing, and the block still has its key', () => {
  const keys = { ...NO_KEYS, promptEmbeds: { bytes: new Uint8Array(64), rowBytes: 2 } };
  const empty = new Uint8Array(createHash('sha256').digest());
  assert.deepEqual(extraKeysOfBlock(keys, MAIN, 16, 2), [empty]);
});

test('old profiles hash the adapter’s number, and a name that they never hash when it is not known', () => {
  const keys = { ...NO_KEYS, loraName: 'l', loraIntId: 7 };
  assert.deepEqual(extraKeysOfBlock(keys, 'pre-2026-03-20', 16, 3), ['l']);
  assert.deepEqual(extraKeysOfBlock(keys, 'pre-2025-10-22', 16, 3), [7]);
  assert.deepEqual(extraKeysOfBlock({ ...keys, loraIntId: null }, 'v0.10.0', 16, 3), ['l']);
});

test('an item is a key of every block it reaches into', () => {
  const keys = { ...NO_KEYS, media: [image, video] };
  assert.deepEqual(keysOfBlocks(keys, MAIN), [[['img', 10]], [['img', -6]], [['vid', 2]], null]);
  assert.deepEqual(keysOfBlocks(keys, 'pre-2026-03-20'), [['img'], ['img'], ['vid'], null]);
});

test('an item that ends where a block begins is not in that block', () => {
  const keys = { ...NO_KEYS, media: [{ identifier: 'i', offset: 4, length: 12 }] };
  assert.deepEqual(keysOfBlocks(keys, MAIN, 2), [[['i', 4]], null]);
  assert.deepEqual(keysOfBlocks(keys, 'pre-2026-03-20', 2), [['i'], null]);
});

test('a block that decode completes knows the last item only', () => {
  const media = [
    { identifier: 'a', offset: 18, length: 3 },
    { identifier: 'b', offset: 24, length: 3 },
  ];
  const given = { ...NO_KEYS, media, promptTokens: 32 };
  const grown = { ...NO_KEYS, media, promptTokens: 30 };
  assert.deepEqual(extraKeysOfBlock(given, MAIN, 16, 1), [
    ['a', 2],
    ['b', 8],
  ]);
  assert.deepEqual(extraKeysOfBlock(grown, MAIN, 16, 1), [['b', 8]]);
});

test('the first block knows all items even when decode completes it', () => {
  const media = [
    { identifier: 'a', offset: 1, length: 2 },
    { identifier: 'b', offset: 4, length: 2 },
  ];
  assert.deepEqual(extraKeysOfBlock({ ...NO_KEYS, media, promptTokens: 8 }, MAIN, 16, 0), [
    ['a', 1],
    ['b', 4],
  ]);
});

test('up to v0.18 a block that decode completes keeps an item that ended right before it', () => {
  const keys = {
    ...NO_KEYS,
    media: [{ identifier: 'i', offset: 20, length: 12 }],
    promptTokens: 32,
  };
  assert.deepEqual(extraKeysOfBlock(keys, 'pre-2026-03-20', 16, 2), ['i']);
  assert.equal(extraKeysOfBlock(keys, MAIN, 16, 2), null);
  assert.equal(extraKeysOfBlock({ ...keys, promptTokens: 48 }, 'pre-2026-03-20', 16, 2), null);
});

test('serialized keys list only the blocks that differ', () => {
  const keys = { ...NO_KEYS, loraName: 'l', cacheSalt: 's', media: [video] };
  const whole = serializeKeys(keys, 'sha256_cbor', MAIN, 16, 0, 4);
  const encode = (list: ['l', ...(string | [string, number])[]]) =>
    encodeExtraKeys(list, 'sha256_cbor');
  assert.deepEqual(whole.extraEvery, encode(['l']));
  assert.deepEqual(whole.extraBlocks, Uint32Array.of(0, 2));
  assert.deepEqual(whole.extraValues, [encode(['l', 's']), encode(['l', ['vid', 2]])]);

  const rest = serializeKeys(keys, 'sha256_cbor', MAIN, 16, 1, 3);
  assert.deepEqual(rest.extraBlocks, Uint32Array.of(1));
  assert.deepEqual(serializeKeys(NO_KEYS, 'sha256', MAIN, 16, 0, 9), { extraEvery: null });
});

test('an item far past the hashed blocks costs nothing', () => {
  const media = [{ identifier: 'i', offset: 0, length: Number.MAX_SAFE_INTEGER }];
  const { extraBlocks } = serializeKeys({ ...NO_KEYS, media }, 'sha256', MAIN, 16, 0, 3);
  assert.deepEqual(extraBlocks, Uint32Array.of(0, 1, 2));
});
