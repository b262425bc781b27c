import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Booking, book } from '../../src/scheduler/booking.js';
import { freshSeed, seededRandom } from '../support/candidates.js';

test('a booking counts at once, loses its tokens at the first token and its request at the end', () => {
  const row = { inflightRequests: 0, inflightTokens: 0 };
  const booking = book(row, 700);
  assert.deepEqual(row, { inflightRequests: 1, inflightTokens: 700 });
  booking.firstToken();
  assert.deepEqual(row, { inflightRequests: 1, inflightTokens: 0 });
  booking.end();
  assert.deepEqual(row, { inflightRequests: 0, inflightTokens: 0 });
});

test('a request that ends without a first token gives both back', () => {
  const row = { inflightRequests: 0, inflightTokens: 0 };
  book(row, 700).end();
  assert.deepEqual(row, { inflightRequests: 0, inflightTokens: 0 });
});

test('a token count that is no number books the request only', () => {
  for (const tokens of [Number.NaN, -5]) {
    const row = { inflightRequests: 0, inflightTokens: 0 };
    const booking = book(row, tokens);
    assert.deepEqual(row, { inflightRequests: 1, inflightTokens: 0 });
    booking.end();
    assert.deepEqual(row, { inflightRequests: 0, inflightTokens: 0 });
  }
});

test('any number of calls in any order comes back to exactly nothing', () => {
  const seed = freshSeed();
  const random = seededRandom(seed);
  const row = { inflightRequests: 0, inflightTokens: 0 };
  const bookings: Booking[] = [];
  for (let i = 0; i < 2000; i += 1) {
    bookings.push(book(row, random() * 5000));
    const other = bookings[Math.floor(random() * bookings.length)];
    if (random() < 0.5) other?.firstToken();
    else other?.end();
    assert.ok(row.inflightRequests >= 0 && row.inflightTokens >= 0, `seed ${seed}`);
  }
  for (const booking of bookings.reverse()) {
    booking.end();
    booking.end();
    booking.firstToken();
  }
  assert.deepEqual(row, { inflightRequests: 0, inflightTokens: 0 }, `seed ${seed}`);
});
