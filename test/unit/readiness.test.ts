import assert from 'node:assert/strict';
import test from 'node:test';
import { readiness, type ThreadState } from '../../src/router/readiness.js';

const EVENT: ThreadState = { kind: 'event', ready: 1, wanted: 1, downSinceMs: null, deaths: 0 };
const TOKENIZER: ThreadState = { ...EVENT, kind: 'tokenizer', ready: 2, wanted: 2 };

const at = (nowMs: number, threads: readonly ThreadState[], endpoints = 1, drains = false) =>
  readiness({
    draining: () => drains,
    availableEndpoints: () => endpoints,
    threads: () => threads,
    nowMs: () => nowMs,
  });

test('without an endpoint, or while it drains, a router is not ready', () => {
  const threads = [EVENT, TOKENIZER];
  assert.deepEqual(at(0, threads), { ready: true, text: 'ok' });
  assert.deepEqual(at(0, threads, 0), { ready: false, text: 'no healthy endpoint' });
  assert.deepEqual(at(0, threads, 1, true), { ready: false, text: 'draining' });
});

test('some threads of a kind are enough, and what is missing is said', () => {
  const threads = [EVENT, { ...TOKENIZER, ready: 1 }];
  assert.deepEqual(at(0, threads), { ready: true, text: 'ok\n1 of 2 tokenizer threads' });
});

test('threads that are started again make a router unready for a while, then it serves without', () => {
  const threads = [{ ...EVENT, ready: 0, downSinceMs: 1000 }, TOKENIZER];
  assert.deepEqual(at(1001, threads), {
    ready: false,
    text: 'recovering\n0 of 1 event threads',
  });
  assert.deepEqual(at(20_000, threads), { ready: true, text: 'ok\n0 of 1 event threads' });
});
