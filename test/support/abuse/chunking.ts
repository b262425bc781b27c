// Bodies in chunks, good and bad.
import { type AbuseCase, CHUNKED, chunk, HALF, VALID } from './abuse-case.js';

export const CHUNKING: readonly AbuseCase[] = [
  {
    name: 'chunks of one byte',
    sends: `${CHUNKED}${[...VALID].map(chunk).join('')}0\r\n\r\n`,
    answer: '200',
    passed: 1,
  },
  {
    name: 'a size in capitals with zeros',
    sends: `${CHUNKED}0000${VALID.length.toString(16).toUpperCase()}\r\n${VALID}\r\n0\r\n\r\n`,
    answer: '200',
    passed: 1,
  },
  {
    name: 'an extension of a chunk',
    sends: `${CHUNKED}${VALID.length.toString(16)};a="b"\r\n${VALID}\r\n0\r\n\r\n`,
    answer: { uwebsockets: '400 closed', node: '200' },
    passed: { uwebsockets: 0, node: 1 },
  },
  {
    name: 'a long extension of a chunk',
    sends: `${CHUNKED}1;${'x'.repeat(100_000)}\r\n{\r\n0\r\n\r\n`,
    answer: { uwebsockets: '400 closed', node: '413 closed' },
    mayBeLost: true,
  },
  {
    name: 'trailers',
    sends: `${CHUNKED}${chunk(VALID)}0\r\nx-trailer: a\r\n\r\n`,
    answer: { uwebsockets: '505 closed', node: '200' },
    passed: { uwebsockets: 0, node: 1 },
  },
  {
    name: 'a smuggling trailer',
    sends: `${CHUNKED}${chunk(VALID)}0\r\ncontent-length: 5\r\n\r\n`,
    answer: { uwebsockets: '505 closed', node: '400 closed' },
  },
  {
    name: 'a size that is none',
    sends: `${CHUNKED}zz\r\nhello\r\n0\r\n\r\n`,
    answer: '400 closed',
  },
  {
    name: 'an empty size',
    sends: `${CHUNKED}\r\nhello\r\n0\r\n\r\n`,
    answer: { uwebsockets: '400', node: '400 closed' },
  },
  { name: 'a negative size', sends: `${CHUNKED}-5\r\nhello\r\n0\r\n\r\n`, answer: '400 closed' },
  {
    name: 'a size with a prefix',
    sends: `${CHUNKED}0x5\r\nhello\r\n0\r\n\r\n`,
    answer: '400 closed',
  },
  {
    name: 'a size of 68 bits',
    sends: `${CHUNKED}fffffffffffffffff\r\nhello`,
    answer: '400 closed',
  },
  {
    name: 'a size of 64 bits',
    sends: `${CHUNKED}ffffffffffffffff\r\nhello`,
    leaves: 'ends',
    answer: '400 closed',
  },
  {
    name: 'a size over the limit',
    sends: `${CHUNKED}7ffffff\r\nhello`,
    leaves: 'ends',
    answer: { uwebsockets: 'closed', node: '400 closed' },
  },
  {
    name: 'a chunk longer than its size',
    sends: `${CHUNKED}2\r\nhello\r\n0\r\n\r\n`,
    answer: '400 closed',
  },
  {
    name: 'a chunk without its line end',
    sends: `${CHUNKED}5\r\nhello0\r\n\r\n`,
    answer: { uwebsockets: '400', node: '400 closed' },
  },
  {
    name: 'chunks with bare line feeds',
    sends: `${CHUNKED}5\nhello\n0\n\n`,
    answer: { uwebsockets: '400', node: '400 closed' },
  },
  {
    name: 'chunks that end in the middle',
    sends: `${CHUNKED}${chunk(HALF)}`,
    leaves: 'ends',
    answer: { uwebsockets: 'closed', node: '400 closed' },
  },
  {
    name: 'chunks that break in the middle',
    sends: `${CHUNKED}${chunk(HALF)}`,
    leaves: 'resets',
    answer: 'closed',
  },
  { name: 'chunks without a body', sends: `${CHUNKED}0\r\n\r\n`, answer: '400' },
  {
    name: 'chunks over the limit',
    sends: `${CHUNKED}${chunk('x'.repeat(40_000)).repeat(30)}0\r\n\r\n`,
    answer: '413',
    mayBeLost: true,
  },
];
