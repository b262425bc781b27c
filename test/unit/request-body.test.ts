import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RouterError } from '../../src/errors.js';
import { RequestBody } from '../../src/http/request-body.js';
import { seededIntegers } from '../support/random.js';

function code(error: unknown): string {
  assert.ok(error instanceof RouterError);
  return error.code;
}

test('random chunks, limits and moments of reading agree with a plain concatenation', async (context) => {
  const seed = Date.now() % 1_000_000;
  context.diagnostic(`seed ${seed}`);
  const random = seededIntegers(seed);
  for (let round = 0; round < 2000; round++) {
    const chunks = Array.from({ length: random(6) }, () =>
      Uint8Array.from({ length: random(40) }, () => random(256)),
    );
    const expected = Buffer.concat(chunks);
    const limit = random(150);
    const declared = random(2) === 0 ? null : expected.length;
    const readAfter = random(chunks.length + 2);

    const body = new RequestBody(declared);
    let reading: Promise<Uint8Array | string> | undefined;
    const steps = [...chunks.map((chunk) => () => body.push(chunk, false))];
    steps.push(() => body.push(new Uint8Array(0), true));
    for (const [index, step] of steps.entries()) {
      if (index === readAfter) reading = body.read(limit).catch(code);
      step();
    }
    reading ??= body.read(limit).catch(code);
    const actual = await reading;
    if (expected.length > limit) assert.equal(actual, 'body_too_large');
    else assert.deepEqual(Buffer.from(actual as Uint8Array), expected);
  }
});

test('the body is not the memory of a chunk', async () => {
  for (const isWhole of [true, false]) {
    const body = new RequestBody(null);
    const chunk = Uint8Array.of(1, 2, 3);
    body.push(chunk, isWhole);
    chunk.fill(9);
    if (!isWhole) body.push(new Uint8Array(0), true);
    assert.deepEqual([...(await body.read(10))], [1, 2, 3]);
  }
});

test('a declared length reserves nothing before bytes come', async () => {
  const before = process.memoryUsage().arrayBuffers;
  const bodies = Array.from({ length: 100 }, () => new RequestBody(1 << 30));
  for (const body of bodies) {
    void body.read(2 ** 31).catch(() => {});
    body.push(Uint8Array.of(1), false);
  }
  assert.ok(process.memoryUsage().arrayBuffers - before < 100 * 128 * 1024);
});

test('a failed body stays failed, and drops what follows', async () => {
  const body = new RequestBody(null);
  body.fail(() => new RouterError('client_closed', 'gone'));
  body.push(Uint8Array.of(1), true);
  assert.equal(await body.read(10).catch(code), 'client_closed');
});
