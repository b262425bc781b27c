import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatTime } from '../../src/tokenizer/jinja/strftime.js';

test('dates print as in Python with the C locale', () => {
  const time = new Date(2026, 7, 5, 0, 7, 9, 12);
  const cases: [string, string][] = [
    ['%d %b %Y', '05 Aug 2026'],
    ['%B %d, %Y', 'August 05, 2026'],
    ['%A %a %j %w %u', 'Wednesday Wed 217 3 3'],
    ['%Y-%m-%d %H:%M:%S.%f', '2026-08-05 00:07:09.012000'],
    ['%I %p %-d %-m %e %y', '12 AM 5 8  5 26'],
    ['%F %T %%', '2026-08-05 00:07:09 %'],
    ['%D %R %x %X', '08/05/26 00:07 08/05/26 00:07:09'],
    ['%c', 'Wed Aug  5 00:07:09 2026'],
  ];
  for (const [format, text] of cases) assert.equal(formatTime(time, format), text, format);
});
