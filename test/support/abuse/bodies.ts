// Bodies that are no JSON, or too much of it, or of bytes that are no text.
import { type AbuseCase, body, chat, HALF, said, VALID } from './abuse-case.js';

export const BODIES: readonly AbuseCase[] = [
  { name: 'white space', sends: body('  \n '), answer: '400' },
  { name: 'no JSON', sends: body('hello'), answer: '400' },
  { name: 'half of a JSON', sends: body(HALF), answer: '400' },
  { name: 'two JSONs', sends: body(VALID + VALID), answer: '400' },
  { name: 'a list', sends: body('[]'), answer: '400' },
  { name: 'not a number', sends: chat('"temperature":NaN'), answer: '200', passed: 1 },
  { name: 'a number beyond all', sends: chat('"temperature":1e999'), answer: '200', passed: 1 },
  { name: 'a number of 100 KB', sends: chat(`"seed":${'9'.repeat(100_000)}`), answer: '400' },
  { name: '100,000 open lists', sends: body('['.repeat(100_000)), answer: '400' },
  { name: '100,000 open objects', sends: body('{"a":'.repeat(100_000)), answer: '400' },
  {
    name: 'lists 200,000 deep in an unknown field',
    sends: chat(`"x":${'['.repeat(200_000)}${']'.repeat(200_000)}`),
    answer: '400',
  },
  { name: 'a prompt longer than the model takes', sends: said('a '.repeat(30_000)), answer: '400' },
  {
    name: 'a text of 900 KB',
    sends: chat(`"x":"${'y'.repeat(900_000)}"`),
    answer: '200',
    passed: 1,
  },
  {
    name: '100,000 numbers for messages',
    sends: body(`{"messages":[${'1,'.repeat(100_000)}1]}`),
    answer: '400',
  },
  {
    name: '20,000 keys',
    sends: chat(Array.from({ length: 20_000 }, (_, i) => `"k${i}":0`).join(',')),
    answer: '200',
    passed: 1,
  },
  { name: 'a key twice', sends: chat(`"model":"nobody"`), answer: '404' },
  {
    name: 'a key of a prototype',
    sends: chat('"__proto__":{"model":"x"},"constructor":{"prototype":{}}'),
    answer: '200',
    passed: 1,
  },
  { name: 'bytes that are no UTF-8', sends: said('\xff\xfe'), answer: '400' },
  { name: 'an overlong character', sends: said('\xc0\xaf'), answer: '400' },
  { name: 'a surrogate in UTF-8', sends: said('\xed\xa0\x80'), answer: '400' },
  { name: 'half of a surrogate pair', sends: said('\\ud800'), answer: '400' },
  { name: 'a raw zero byte in a text', sends: said('a\0b'), answer: '400' },
  { name: 'an escaped zero byte in a text', sends: said('a\\u0000b'), answer: '200', passed: 1 },
  { name: 'a byte order mark', sends: body(`\xef\xbb\xbf${VALID}`), answer: '200', passed: 1 },
  {
    name: 'a compressed body',
    sends: body('\x1f\x8b\x08\0\0\0\0\0', 'content-encoding: gzip\r\n'),
    answer: '400',
  },
  {
    name: 'a form',
    sends: body('model=x&messages=y').replace(
      'application/json',
      'application/x-www-form-urlencoded',
    ),
    answer: '400',
  },
  {
    name: 'a body over the limit',
    sends: body('x'.repeat(1_100_000)),
    answer: '413',
    mayBeLost: true,
  },
];
