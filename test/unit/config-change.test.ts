import assert from 'node:assert/strict';
import test from 'node:test';
import { parseConfig } from '../../src/config/config.js';
import { configChange } from '../../src/config/config-change.js';

const model = {
  name: 'm',
  tokenizer: 'engine',
  endpoints: { static: [{ url: 'http://10.0.0.1:8000' }] },
};
const configOf = (keys: object) =>
  parseConfig(JSON.stringify({ models: [model], ...keys }), 'test.yaml').config;

test('equal configurations differ in nothing', () => {
  const { changed, waiting } = configChange(configOf({}), configOf({}));
  assert.deepEqual([changed, waiting], [[], []]);
});

test('a port can get another certificate, but neither begin nor cease to speak TLS', () => {
  const before = configOf({});
  const tls = { certFile: 'c', keyFile: 'k', cert: 'C', key: 'K', expiresMs: 1 };
  const after = { ...before, listen: { ...before.listen, tls } };
  assert.deepEqual(configChange(before, after).waiting, ['listen.tls']);
  assert.equal(configChange(before, after).config.listen.tls, null);
  const renewed = { ...after, listen: { ...after.listen, tls: { ...tls, cert: 'D' } } };
  const { config, changed, waiting } = configChange(after, renewed);
  assert.deepEqual([config.listen.tls?.cert, changed, waiting], ['D', ['listen.tls'], []]);
});

test('what can change is taken over, what cannot is named and keeps its value', () => {
  const before = configOf({});
  const after = configOf({
    listen: { port: 81 },
    limits: { bodyBytes: '1MiB', decisionsKept: 5 },
    timeouts: { connectMs: 7, queueMs: 8 },
    index: { maxBytes: '2GiB' },
    models: [{ ...model, aliases: ['n'] }],
    devRoutes: true,
  });
  const { config, changed, waiting } = configChange(before, after);
  assert.deepEqual(changed, ['models', 'limits.bodyBytes', 'timeouts.queueMs', 'devRoutes']);
  assert.deepEqual(waiting.toSorted(), [
    'index.maxBytes',
    'limits.decisionsKept',
    'listen.port',
    'timeouts.connectMs',
  ]);
  assert.equal(config.listen.port, 8080);
  assert.equal(config.limits.bodyBytes, 2 ** 20);
  assert.equal(config.limits.decisionsKept, before.limits.decisionsKept);
  // It still waits when something else changes after that.
  assert.deepEqual(configChange(config, after).waiting, waiting);
});
