// Request lines and headers: floods, broken syntax, other protocols.
import { type AbuseCase, body, GET, got, VALID } from './abuse-case.js';

export const HEADS: readonly AbuseCase[] = [
  {
    name: '99 headers',
    sends: `${GET}${'x: y\r\n'.repeat(98)}\r\n`,
    answer: { uwebsockets: '431 closed', node: '200' },
  },
  {
    name: '150 headers',
    sends: `${GET}${'x: y\r\n'.repeat(149)}\r\n`,
    answer: { uwebsockets: '431 closed', node: '400 closed' },
    mayBeLost: true,
  },
  {
    name: '5000 headers',
    sends: `${GET}${'x: y\r\n'.repeat(5000)}\r\n`,
    answer: { uwebsockets: '431 closed', node: '400 closed' },
    mayBeLost: true,
  },
  {
    name: 'a header of a megabyte',
    sends: `${GET}x: ${'y'.repeat(1_000_000)}\r\n\r\n`,
    answer: '431 closed',
    mayBeLost: true,
  },
  {
    name: 'a target of a megabyte',
    sends: got(`/${'y'.repeat(1_000_000)}`),
    answer: '431 closed',
    mayBeLost: true,
  },
  {
    name: 'a name of a megabyte',
    sends: `${GET}${'y'.repeat(1_000_000)}: x\r\n\r\n`,
    answer: '431 closed',
    mayBeLost: true,
  },
  { name: 'a header without a colon', sends: `${GET}nothing\r\n\r\n`, answer: '400 closed' },
  {
    name: 'a header without a name',
    sends: `${GET}: x\r\n\r\n`,
    answer: { uwebsockets: '200', node: '400 closed' },
  },
  { name: 'a blank in a name', sends: `${GET}x y: z\r\n\r\n`, answer: '400 closed' },
  { name: 'a zero byte in a value', sends: `${GET}x: a\0b\r\n\r\n`, answer: '400 closed' },
  {
    name: 'a carriage return in a value',
    sends: `${GET}x: a\rb\r\n\r\n`,
    leaves: 'ends',
    answer: { uwebsockets: 'closed', node: '400 closed' },
  },
  { name: 'a line feed in a value', sends: `${GET}x: a\nb: c\r\n\r\n`, answer: '400 closed' },
  { name: 'a folded header', sends: `${GET}x: a\r\n b\r\n\r\n`, answer: '400 closed' },
  { name: 'bytes above 127 in a value', sends: `${GET}x: caf\xe9!\r\n\r\n`, answer: '200' },
  { name: 'no host', sends: 'GET /v1/models HTTP/1.1\r\n\r\n', answer: '400 closed' },
  {
    name: 'two hosts',
    sends: `${GET}host: y\r\n\r\n`,
    answer: { uwebsockets: '400 closed', node: '200' },
  },
  {
    name: 'bare line feeds',
    sends: 'GET /v1/models HTTP/1.1\nhost: x\n\n',
    answer: { uwebsockets: '505 closed', node: '400 closed' },
  },
  {
    name: 'HTTP/1.0',
    sends: 'GET /v1/models HTTP/1.0\r\nhost: x\r\n\r\n',
    answer: { uwebsockets: '505 closed', node: '200 closed' },
  },
  {
    name: 'HTTP/0.9',
    sends: 'GET /v1/models\r\n\r\n',
    answer: { uwebsockets: '505 closed', node: '200 closed' },
  },
  {
    name: 'HTTP/9.9',
    sends: 'GET /v1/models HTTP/9.9\r\nhost: x\r\n\r\n',
    answer: { uwebsockets: '505 closed', node: '400 closed' },
  },
  {
    name: 'the preface of HTTP/2',
    sends: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    answer: { uwebsockets: '505 closed', node: '400 closed' },
  },
  {
    name: 'a TLS hello',
    sends: '\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03aaaaaaaa\r\n\r\n',
    answer: { uwebsockets: '505 closed', node: '400 closed' },
  },
  {
    name: 'noise',
    sends: '\x00\xff\x13\x37'.repeat(64),
    leaves: 'ends',
    answer: { uwebsockets: '505 closed', node: '400 closed' },
  },
  {
    name: 'SSH',
    sends: 'SSH-2.0-OpenSSH_9.2\r\n\r\n',
    leaves: 'ends',
    answer: { uwebsockets: 'closed', node: '400 closed' },
  },
  {
    name: 'line ends before a request',
    sends: `\r\n\r\n${got('/v1/models')}`,
    leaves: 'ends',
    answer: { uwebsockets: 'closed', node: '200 closed' },
  },
  {
    name: 'an upgrade to h2c',
    sends: `${GET}connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n`,
    answer: '200',
  },
  {
    name: 'a WebSocket',
    sends: `GET /v1/realtime HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
    answer: '501',
  },
  {
    name: 'an expectation',
    sends: body(VALID, 'expect: 100-continue\r\n'),
    answer: '100 200',
    passed: 1,
  },
  {
    name: 'an expectation that nobody meets',
    sends: body(VALID, 'expect: the unexpected\r\n'),
    answer: { uwebsockets: '200', node: '417' },
    passed: { uwebsockets: 1, node: 0 },
  },
];
