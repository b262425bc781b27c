import assert from 'node:assert/strict';
import test from 'node:test';
import { InflightLoad } from '../../src/endpoint/inflight-load.js';

test('the first token gives back the tokens, the end the request', () => {
  const load = new InflightLoad(4);
  const booking = load.book(2, 1000);
  assert.deepEqual([load.requests(2), load.tokens(2)], [1, 1000]);
  booking.firstToken();
  assert.deepEqual([load.requests(2), load.tokens(2)], [1, 0]);
  booking.end();
  assert.deepEqual([load.requests(2), load.tokens(2)], [0, 0]);
});

test('a request that ends without a first token gives both back', () => {
  const load = new InflightLoad(4);
  load.book(1, 500).end();
  assert.deepEqual([load.requests(1), load.tokens(1)], [0, 0]);
});

test('ending twice, or a first token after the end, gives nothing back twice', () => {
  const load = new InflightLoad(4);
  const other = load.book(0, 10);
  const booking = load.book(0, 20);
  booking.end();
  booking.end();
  booking.firstToken();
  assert.deepEqual([load.requests(0), load.tokens(0)], [1, 10]);
  other.end();
});

test('bookings of other endpoints are not touched', () => {
  const load = new InflightLoad(4);
  load.book(0, 10);
  load.book(3, 20).end();
  assert.deepEqual([load.requests(0), load.tokens(0)], [1, 10]);
});
