// How a body is delimited: what two parsers could read in two ways must never reach an engine.
import { type AbuseCase, body, chunk, GET, POST, SMUGGLED, VALID } from './abuse-case.js';

export const FRAMING: readonly AbuseCase[] = [
  {
    name: 'a length and chunks',
    sends: `${POST}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    answer: '400 closed',
  },
  {
    name: 'chunks and a length',
    sends: `${POST}transfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    answer: '400 closed',
  },
  {
    name: 'two lengths',
    sends: `${POST}content-length: 2\r\ncontent-length: 3\r\n\r\nabc${SMUGGLED}`,
    answer: { uwebsockets: 'closed', node: '400 closed' },
  },
  {
    name: 'the same length twice',
    sends: `${POST}content-length: 2\r\ncontent-length: 2\r\n\r\nab`,
    answer: '400 closed',
  },
  {
    name: 'a list of lengths',
    sends: `${POST}content-length: 2, 2\r\n\r\nab`,
    answer: '400 closed',
  },
  {
    name: 'a length with a sign',
    sends: `${POST}content-length: +2\r\n\r\nab`,
    answer: '400 closed',
  },
  { name: 'a negative length', sends: `${POST}content-length: -2\r\n\r\nab`, answer: '400 closed' },
  {
    name: 'a hexadecimal length',
    sends: `${POST}content-length: 0x2\r\n\r\nab`,
    answer: '400 closed',
  },
  {
    name: 'a length with a tail',
    sends: `${POST}content-length: 2x\r\n\r\nab`,
    answer: '400 closed',
  },
  { name: 'an empty length', sends: `${POST}content-length: \r\n\r\nab`, answer: '400 closed' },
  {
    name: 'a length of twenty digits',
    sends: `${POST}content-length: 99999999999999999999\r\n\r\nab`,
    answer: '400 closed',
  },
  {
    name: 'a length over the limit',
    sends: `${POST}content-length: 99999999\r\n\r\nab`,
    answer: '413',
    mayBeLost: true,
  },
  {
    name: 'a list of encodings',
    sends: `${POST}transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
    answer: '400 closed',
  },
  {
    name: 'an encoding nearly chunked',
    sends: `${POST}transfer-encoding: xchunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    answer: { uwebsockets: 'closed', node: '400 closed' },
  },
  {
    name: 'the identity encoding',
    sends: `${POST}transfer-encoding: identity\r\n\r\n${SMUGGLED}`,
    answer: '400 closed',
  },
  {
    name: 'chunked twice',
    sends: `${POST}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
    answer: '400 closed',
  },
  {
    name: 'a blank before the colon',
    sends: `${POST}transfer-encoding : chunked\r\n\r\n0\r\n\r\n`,
    answer: '400 closed',
  },
  {
    name: 'a tab before the value of chunked',
    sends: `${POST}transfer-encoding:\tchunked\r\n\r\n${chunk(VALID)}0\r\n\r\n`,
    answer: '200',
    passed: 1,
  },
  { name: 'a POST without any length', sends: `${POST}\r\n`, answer: '400' },
  { name: 'a length of nothing', sends: `${POST}content-length: 0\r\n\r\n`, answer: '400' },
  { name: 'a GET with a body', sends: `${GET}content-length: 5\r\n\r\nhello`, answer: '200' },
  {
    name: 'a length that the connection names as its own',
    sends: body(VALID, 'connection: content-length, host, keep-alive\r\n'),
    answer: '200',
    passed: 1,
  },
];
