import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { REFERENCES, withTable } from '../../src/cli/reference.js';

const ROOT = new URL('../../../', import.meta.url);

for (const { file, name, table } of REFERENCES) {
  test(`${file} describes the ${name} as they are`, () => {
    const document = readFileSync(new URL(file, ROOT), 'utf8');
    const isCurrent = withTable(document, name, table()) === document;
    assert.ok(isCurrent, `npm run docs brings the ${name} in ${file} up to date`);
  });
}

test('a table replaces what stood in its place and nothing else', () => {
  const document = 'a\n<!-- x: made by y -->\nold $1\n<!-- /x -->\nb\n';
  assert.equal(
    withTable(document, 'x', '| $& |\n'),
    'a\n<!-- x: made by y -->\n\n| $& |\n\n<!-- /x -->\nb\n',
  );
  assert.throws(() => withTable('nothing here', 'x', ''), /no place for x/);
});
