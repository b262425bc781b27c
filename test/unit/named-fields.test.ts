import assert from 'node:assert/strict';
import test from 'node:test';
import { namedFields } from '../../src/openai/named-fields.js';
import { bytesOf } from '../support/qwen3.js';

const namedModel = (type: string, body: Uint8Array) => namedFields(type, body).model;
const JSON_TYPE = 'application/json; charset=utf-8';

test('the model of a JSON body is its top-level field', () => {
  const body = { input: { model: 'inner' }, model: 'outer' };
  assert.equal(namedModel(JSON_TYPE, bytesOf(body)), 'outer');
  for (const without of ['{"input":"x"}', '{"model":5}', '[]', '{"model":', '']) {
    assert.equal(namedModel(JSON_TYPE, bytesOf(without)), null, without);
  }
  assert.equal(namedModel('text/plain', bytesOf(body)), null);
});

test('in a large body it is looked for at both ends', () => {
  const input = 'x"model": "wrong" '.repeat(20_000);
  assert.equal(namedModel(JSON_TYPE, bytesOf({ input, model: 'größe' })), 'größe');
  assert.equal(namedModel(JSON_TYPE, bytesOf({ model: 'first', input })), 'first');
});

test('between the ends of a large body only keys with a text are taken', () => {
  const far = 'x'.repeat(200_000);
  const schema = { properties: { model: { type: 'string' }, stream: { type: 'boolean' } } };
  const body = { a: [far, '"model": "quoted", "stream": true'], schema, model: 'm', b: far };
  assert.equal(namedModel(JSON_TYPE, bytesOf(body)), 'm');
  assert.equal(namedFields(JSON_TYPE, bytesOf(body)).stream, false);
  const streamed = { a: far, stream: true, b: far };
  assert.equal(namedFields(JSON_TYPE, bytesOf(streamed)).stream, true);
  assert.equal(namedFields(JSON_TYPE, bytesOf({ stream: true })).stream, true);
});

test('of a form it is the field of that name, whatever the file is', () => {
  const form = (field: string) =>
    `--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n${'\u0000'.repeat(9)}\r\n` +
    `--b\r\nContent-Disposition: form-data; ${field}\r\n\r\nwhisper\r\n--b--\r\n`;
  const type = 'multipart/form-data; boundary=b';
  assert.equal(namedModel(type, bytesOf(form('name="model"'))), 'whisper');
  assert.equal(
    namedModel(type, bytesOf(form('name=model\r\nContent-Type: text/plain'))),
    'whisper',
  );
  assert.equal(namedModel(type, bytesOf(form('name="language"'))), null);
});

test('the priority is an integer of the top level, in large bodies one at either end', () => {
  const priorityOf = (body: unknown) => namedFields(JSON_TYPE, bytesOf(body)).priority;
  assert.equal(priorityOf({ model: 'm', priority: -5 }), -5);
  assert.equal(priorityOf({ input: 'x'.repeat(300_000), priority: 7 }), 7);
  assert.equal(priorityOf({ priority: 12, input: 'x'.repeat(300_000) }), 12);
  for (const none of [{ inner: { priority: 3 } }, { priority: 'soon' }, { priority: 1.5 }, [], 3]) {
    assert.equal(priorityOf(none), undefined);
  }
});
