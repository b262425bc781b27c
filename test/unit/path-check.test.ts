import assert from 'node:assert/strict';
import test from 'node:test';
import { checkPath } from '../../src/access/path-check.js';

test('paths that somebody might read as another one are refused', () => {
  const tricks = [
    '/v1/../sleep',
    '/v1/%2e%2e/sleep',
    '/v1/.%2E/sleep',
    '/v1/..%2fsleep',
    '/./sleep',
  ];
  tricks.push(
    '/v1/x\\..\\sleep',
    '/v1/%5c..%5csleep',
    '/v1/..',
    '/sleep%00',
    '/a%0d%0ab',
    '/%zz/..',
  );
  for (const path of tricks) assert.throws(() => checkPath(path), /dot segments/, path);
});

test('dots, escapes and slashes that mean themselves pass', () => {
  const paths = ['/v1/models/Qwen%2FQwen3-0.6B', '/v1/models/...', '/a..b/.c', '/100%', '/é%C3%A9'];
  for (const path of paths) checkPath(path);
});
