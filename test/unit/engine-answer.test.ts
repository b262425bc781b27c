import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EngineAnswerError, readEngineAnswer } from '../../src/tokenizer/engine-answer.js';

const bytes = (value: unknown) => Buffer.from(JSON.stringify(value));

test('a render answer is tokens with the media among them, in order of place', () => {
  const answer = {
    request_id: 'x',
    token_ids: [1, 2, 3, 4, 5, 6],
    features: {
      mm_hashes: { video: ['v'], image: ['b', 'a'] },
      mm_placeholders: {
        video: [{ offset: 3, length: 1 }],
        image: [
          { offset: 4, length: 2, is_embed: [true, false] },
          { offset: 1, length: 1 },
        ],
      },
      kwargs_data: { image: ['AAAA', null] },
    },
  };
  assert.deepEqual(readEngineAnswer('render', bytes(answer)), [
    {
      tokens: Uint32Array.of(1, 2, 3, 4, 5, 6),
      media: [
        { identifier: 'a', offset: 1, length: 1 },
        { identifier: 'v', offset: 3, length: 1 },
        { identifier: 'b', offset: 4, length: 2 },
      ],
    },
  ]);
});

test('completions are a list, and /tokenize calls its field otherwise', () => {
  const two = [{ token_ids: [1] }, { token_ids: [2, 4294967295], features: null }];
  assert.deepEqual(
    readEngineAnswer('render', bytes(two)).map(({ tokens }) => [...tokens]),
    [[1], [2, 4294967295]],
  );
  const tokenized = readEngineAnswer('tokenize', bytes({ count: 2, tokens: [7, 8] }));
  assert.deepEqual(tokenized, [{ tokens: Uint32Array.of(7, 8), media: [] }]);
});

const features = (mm_hashes: unknown, mm_placeholders: unknown) => {
  return { token_ids: [1, 2], features: { mm_hashes, mm_placeholders } };
};

test('an answer that is none is told from one', () => {
  const answers: unknown[] = [
    ...['', 'text', null, 3, [], {}, [[]], { tokens: [1] }, { token_ids: [] }],
    ...[{ token_ids: 'x' }, { token_ids: [1, -1] }, { token_ids: [1.5] }, { token_ids: [2 ** 32] }],
    features({}, { image: [{ offset: 0, length: 1 }] }),
    features({ image: ['a'] }, { image: [{ offset: 1, length: 2 }] }),
    features({ image: ['a'] }, { image: [{ offset: -1, length: 1 }] }),
    features({ image: [1] }, { image: [{ offset: 0, length: 1 }] }),
    features({ image: ['a', 'b'] }, { image: [{ offset: 0, length: 1 }] }),
    { token_ids: [1], features: [] },
  ];
  for (const answer of answers) {
    assert.throws(
      () => readEngineAnswer('render', bytes(answer)),
      EngineAnswerError,
      JSON.stringify(answer),
    );
  }
  assert.throws(
    () => readEngineAnswer('render', Buffer.from('{"token_ids":[1')),
    EngineAnswerError,
  );
});

test('identifiers without a place say nothing of any block', () => {
  const [prompt] = readEngineAnswer('render', bytes(features({ image: ['a'] }, {})));
  assert.deepEqual(prompt?.media, []);
});
