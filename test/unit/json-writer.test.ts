import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseJson } from '../../src/json.js';
import { writeJson } from '../../src/json-writer.js';

test('what Python tells apart stays apart', () => {
  const same = [
    '{"b":1,"a":2,"1":3}',
    '[1,1.0,-0.0,1000.0,0.1,1e-7,123456789012345678901234567890]',
    '["\\"\\\\\\n","é","\u{1f6a2}",null,true,false,[],{}]',
  ];
  for (const text of same) assert.equal(writeJson(parseJson(text)), text);
  assert.equal(writeJson(parseJson('1e3')), '1000.0');
  assert.equal(writeJson(parseJson('1e999')), 'Infinity');
});
