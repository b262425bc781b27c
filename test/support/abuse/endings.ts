// Clients that leave too early or say too much.
import { type AbuseCase, body, HALF, POST, VALID } from './abuse-case.js';

export const ENDINGS: readonly AbuseCase[] = [
  { name: 'nothing at all', sends: '', leaves: 'ends', answer: 'closed' },
  { name: 'a reset at once', sends: '', leaves: 'resets', answer: 'closed' },
  {
    name: 'half of a head',
    sends: POST.slice(0, 40),
    leaves: 'ends',
    answer: { uwebsockets: 'closed', node: '400 closed' },
  },
  {
    name: 'a head whose body never comes',
    sends: `${POST}content-length: 100\r\n\r\n`,
    leaves: 'ends',
    answer: { uwebsockets: 'closed', node: '400 closed' },
  },
  {
    name: 'half of a body',
    sends: `${POST}content-length: 100\r\n\r\n${HALF}`,
    leaves: 'ends',
    answer: { uwebsockets: 'closed', node: '400 closed' },
  },
  {
    name: 'half of a body and a reset',
    sends: `${POST}content-length: 100\r\n\r\n${HALF}`,
    leaves: 'resets',
    answer: 'closed',
  },
  { name: 'a whole request and a reset', sends: body(VALID), leaves: 'resets', answer: 'closed' },
  {
    name: 'more bytes than the length',
    sends: `${body(VALID)}garbage\r\n\r\n`,
    answer: { uwebsockets: '200', node: '400 closed' },
    passed: { uwebsockets: 1, node: 0 },
  },
  {
    name: 'five requests at once',
    sends: body(VALID).repeat(5),
    answer: { uwebsockets: 'closed', node: '200 200 200 200 200' },
    passed: { uwebsockets: 0, node: 5 },
  },
];
