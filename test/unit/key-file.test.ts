import assert from 'node:assert/strict';
import test from 'node:test';
import { digestOf, parseKeyList, parseKeys } from '../../src/config/key-file.js';

const HEX = digestOf('sk-team').toString('hex');

test('a line is a name with a hash, or a key that is named after its hash', () => {
  const [first, second, ...others] = parseKeys(`# keys\n\nteam:${HEX}\r\n  sk-plain \n`, 'keys');
  assert.deepEqual(first, { name: 'team', digest: digestOf('sk-team') });
  assert.deepEqual(second?.digest, digestOf('sk-plain'));
  assert.match(second?.name ?? '', /^key-[0-9a-f]{8}$/);
  assert.deepEqual(others, []);
});

test('the environment has keys with commas between them', () => {
  const digests = parseKeyList(`a,team:${HEX.toUpperCase()},`, 'KEY').map(({ digest }) => digest);
  assert.deepEqual(digests, [digestOf('a'), digestOf('sk-team')]);
});

test('a mistake is named by file and line, without the key', () => {
  const failure = (text: string) => {
    try {
      parseKeys(text, 'keys.txt');
    } catch (error) {
      return String(error);
    }
    return 'none';
  };
  assert.match(failure(`a\nteam:${HEX.slice(1)}`), /keys\.txt:2: neither/);
  assert.match(failure('secret key'), /keys\.txt:1: neither/);
  assert.doesNotMatch(failure('secret key'), /secret/);
  assert.match(failure(`a name:${HEX}`), /keys\.txt:1: a name has/);
  assert.match(failure('# none\n'), /keys\.txt has no key/);
  assert.match(failure('x\n'.repeat(10_001)), /10001 keys/);
});
