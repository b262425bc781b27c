import assert from 'node:assert/strict';
import test from 'node:test';
import { type Booking, InflightLoad } from '../../src/endpoint/inflight-load.js';
import { runSeed, seededRandom } from '../support/random.js';

const work = (uncachedTokens: number) => ({
  uncachedTokens,
  promptTokens: uncachedTokens,
  streams: true,
});

test('the first token gives back the tokens, the end the request', () => {
  const load = new InflightLoad(4);
  const booking = load.book(2, work(1000));
  assert.deepEqual([load.requests(2), load.tokens(2)], [1, 1000]);
  booking.firstToken();
  assert.deepEqual([load.requests(2), load.tokens(2)], [1, 0]);
  booking.end();
  assert.deepEqual([load.requests(2), load.tokens(2)], [0, 0]);
});

test('a request that ends without a first token gives both back', () => {
  const load = new InflightLoad(4);
  load.book(1, work(500)).end();
  assert.deepEqual([load.requests(1), load.tokens(1)], [0, 0]);
});

test('ending twice, or a first token after the end, gives nothing back twice', () => {
  const load = new InflightLoad(4);
  const other = load.book(0, work(10));
  const booking = load.book(0, work(20));
  booking.end();
  booking.end();
  booking.firstToken();
  assert.deepEqual([load.requests(0), load.tokens(0)], [1, 10]);
  other.end();
});

test('bookings of other endpoints are not touched', () => {
  const load = new InflightLoad(4);
  load.book(0, work(10));
  load.book(3, work(20)).end();
  assert.deepEqual([load.requests(0), load.tokens(0)], [1, 10]);
});

test('a new tenant of a slot starts from nothing, and late ends of the old one do not touch it', () => {
  const load = new InflightLoad(2);
  const old = [load.book(1, work(100)), load.book(1, work(200))];
  load.newTenant(1);
  const booking = load.book(1, work(5));
  for (const one of old) one.end();
  assert.deepEqual([load.requests(1), load.tokens(1)], [1, 5]);
  booking.end();
  assert.deepEqual([load.requests(1), load.tokens(1)], [0, 0]);
});

test('a token count that is no number books the request alone', () => {
  for (const tokens of [Number.NaN, -5]) {
    const load = new InflightLoad(1);
    const booking = load.book(0, work(tokens));
    assert.deepEqual([load.requests(0), load.tokens(0)], [1, 0]);
    booking.end();
    assert.deepEqual([load.requests(0), load.tokens(0)], [0, 0]);
  }
});

test('any calls in any order come back to exactly nothing', () => {
  const seed = runSeed;
  const random = seededRandom(seed);
  const load = new InflightLoad(4);
  const bookings: Booking[] = [];
  for (let i = 0; i < 2000; i++) {
    bookings.push(load.book(i % 4, work(random() * 5000)));
    const other = bookings[Math.floor(random() * bookings.length)];
    if (random() < 0.5) other?.firstToken();
    else other?.end();
  }
  for (const booking of bookings.reverse()) {
    booking.end();
    booking.firstToken();
  }
  for (let slot = 0; slot < 4; slot++) {
    assert.deepEqual([load.requests(slot), load.tokens(slot)], [0, 0], `seed ${seed}`);
  }
});
