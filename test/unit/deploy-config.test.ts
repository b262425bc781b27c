import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import test from 'node:test';
import { parseConfig } from '../../src/config/config.js';

const FOLDER = 'deploy/config';

test('every sample configuration loads, and says nothing that should worry', () => {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith('.yaml'));
  assert.ok(files.length >= 2);
  for (const file of files) {
    const { config, warnings } = parseConfig(readFileSync(`${FOLDER}/${file}`, 'utf8'), file);
    assert.deepEqual(warnings, [], file);
    assert.equal(config.models[0]?.endpoints.length, 2, file);
  }
});
