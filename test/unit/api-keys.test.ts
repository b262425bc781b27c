import assert from 'node:assert/strict';
import test from 'node:test';
import { inspect } from 'node:util';
import { ApiKeys, shownKey } from '../../src/access/api-keys.js';
import { parseKeys } from '../../src/config/key-file.js';

test('a key has the name it was given, and nothing else has one', () => {
  const keys = new ApiKeys([...parseKeys('sk-one', 'a'), ...parseKeys('sk-two', 'b')]);
  const names = [...keys.names];
  assert.deepEqual([keys.nameOf('sk-one'), keys.nameOf('sk-two')], names);
  for (const wrong of ['', 'sk-on', 'sk-one ', 'SK-ONE', 'x'.repeat(100_000)]) {
    assert.equal(keys.nameOf(wrong), null);
  }
  assert.ok(!inspect(keys, { showHidden: true, depth: 9 }).includes('sk-one'));
});

test('a key is shown the way of OpenAI or of Anthropic', () => {
  const shown = (headers: Readonly<Record<string, string>>) =>
    shownKey({ header: (name) => headers[name] });
  assert.equal(shown({ authorization: 'Bearer a' }), 'a');
  assert.equal(shown({ authorization: 'bearer  a ' }), 'a');
  assert.equal(shown({ 'x-api-key': 'b' }), 'b');
  assert.equal(shown({ authorization: 'Basic a', 'x-api-key': 'b' }), null);
  assert.equal(shown({ authorization: 'Bearer a b' }), null);
  assert.equal(shown({}), null);
});
