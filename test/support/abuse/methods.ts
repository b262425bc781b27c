// Methods that a route does not take, or that nobody does.
import { type AbuseCase, CHAT, got, VALID } from './abuse-case.js';

export const METHODS: readonly AbuseCase[] = [
  { name: 'GET of a chat', sends: got(CHAT), answer: '405' },
  {
    name: 'PUT of a chat',
    sends: `PUT ${CHAT} HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}`,
    answer: '405',
  },
  { name: 'DELETE of a chat', sends: `DELETE ${CHAT} HTTP/1.1\r\nhost: x\r\n\r\n`, answer: '405' },
  {
    name: 'HEAD of the models',
    sends: 'HEAD /v1/models HTTP/1.1\r\nhost: x\r\n\r\n',
    answer: '200',
  },
  {
    name: 'a method of its own',
    sends: `BREW ${CHAT} HTTP/1.1\r\nhost: x\r\n\r\n`,
    answer: { uwebsockets: '405', node: '400 closed' },
  },
  {
    name: 'a method in small letters',
    sends: `post ${CHAT} HTTP/1.1\r\nhost: x\r\ncontent-length: ${VALID.length}\r\n\r\n${VALID}`,
    answer: { uwebsockets: '200', node: '400 closed' },
    passed: { uwebsockets: 1, node: 0 },
  },
  {
    name: 'TRACE',
    sends: 'TRACE /v1/models HTTP/1.1\r\nhost: x\r\n\r\n',
    answer: '200',
    passed: 1,
  },
  {
    name: 'CONNECT',
    sends: 'CONNECT evil:443 HTTP/1.1\r\nhost: evil\r\n\r\n',
    answer: { uwebsockets: '505 closed', node: 'closed' },
  },
  {
    name: 'OPTIONS of everything',
    sends: 'OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n',
    answer: { uwebsockets: '505 closed', node: '400 closed' },
  },
  {
    name: 'no method',
    sends: ' /v1/models HTTP/1.1\r\nhost: x\r\n\r\n',
    answer: { uwebsockets: '400', node: '400 closed' },
  },
];
