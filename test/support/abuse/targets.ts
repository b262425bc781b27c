// Tricks with paths: ways to a development route, and what is no path at all.
import { type AbuseCase, got, posted } from './abuse-case.js';

export const TARGETS: readonly AbuseCase[] = [
  { name: 'dot segments', sends: posted('/v1/../sleep'), answer: '400' },
  { name: 'escaped dot segments', sends: posted('/v1/%2e%2e/sleep'), answer: '400' },
  { name: 'an escaped slash', sends: posted('/v1/..%2fsleep'), answer: '400' },
  { name: 'a backslash', sends: posted('/v1\\..\\sleep'), answer: '400' },
  { name: 'an escaped backslash', sends: posted('/v1%5c..%5csleep'), answer: '400' },
  { name: 'a dot segment alone', sends: posted('/./sleep'), answer: '400' },
  { name: 'an escaped zero byte', sends: posted('/sleep%00'), answer: '400' },
  { name: 'escaped line ends', sends: got('/v1/models%0d%0ax:%20y'), answer: '400' },
  { name: 'a development route', sends: posted('/sleep'), answer: '404' },
  { name: 'a development route behind two slashes', sends: posted('//sleep'), answer: '404' },
  { name: 'a development route behind a slash', sends: posted('/sleep/'), answer: '404' },
  { name: 'an escaped development route', sends: posted('/%73leep'), answer: '404' },
  {
    name: 'a development route below a path',
    sends: posted('/anything/collective_rpc'),
    answer: '404',
  },
  {
    name: 'a development route behind a query',
    sends: posted('/reset_prefix_cache?x=/v1/models'),
    answer: '404',
  },
  {
    name: 'a development route escaped twice is another path',
    sends: posted('/%2573leep'),
    answer: '200',
    passed: 1,
  },
  {
    name: 'a target with a scheme',
    sends: got('http://evil/v1/models'),
    answer: { uwebsockets: '505 closed', node: '400 closed' },
  },
  {
    name: 'a target without a slash',
    sends: got('v1/models'),
    answer: { uwebsockets: '505 closed', node: '400 closed' },
  },
  {
    name: 'a target with a blank',
    sends: got('/v1/models x'),
    answer: { uwebsockets: '505 closed', node: '400 closed' },
  },
  {
    name: 'a target of nothing',
    sends: 'GET  HTTP/1.1\r\nhost: x\r\n\r\n',
    answer: { uwebsockets: '505 closed', node: '400 closed' },
  },
  { name: 'a target of raw bytes', sends: got('/\xff\xfe'), answer: '400 closed' },
  {
    name: 'a zero byte in a target',
    sends: got('/a\0b'),
    answer: { uwebsockets: '505 closed', node: '400 closed' },
  },
  { name: 'a fragment', sends: got('/v1/models#x'), answer: '200', passed: 1 },
  { name: 'an overlong escape', sends: got('/v1/models/%c0%ae%c0%ae'), answer: '404' },
  { name: 'a broken escape', sends: got('/v1/models/%zz%'), answer: '404' },
  { name: 'a target of 20 KB', sends: got(`/v1/models/${'m'.repeat(20_000)}`), answer: '404' },
];
