import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import {
  type ConfigOverrides,
  loadConfig,
  NO_OVERRIDES,
  parseConfig,
} from '../../src/config/config.js';
import { configReference } from '../../src/config/config-reference.js';
import { DEFAULT_PLAN } from '../../src/config/scheduling-plan.js';
import { ConfigError } from '../../src/errors.js';

const model = (extra = '', endpoints = '[{ name: a, url: "http://10.0.0.1:8000" }]') =>
  `models: [{ name: m, tokenizer: /t, ${extra} endpoints: { static: ${endpoints} } }]\n`;
const parse = (text: string, overrides: Partial<ConfigOverrides> = {}) =>
  parseConfig(text, 'warmpath.yaml', { ...NO_OVERRIDES, ...overrides });
function refused(text: string, ...parts: string[]): void {
  assert.throws(
    () => parse(text),
    (error: unknown) => {
      assert.ok(error instanceof ConfigError, String(error));
      for (const part of parts)
        assert.ok(error.message.includes(part), `${error.message} / ${part}`);
      return true;
    },
  );
}

test('the smallest configuration gets every default', () => {
  const { config, warnings } = parse(model());
  assert.deepEqual(warnings, []);
  assert.deepEqual(config.listen, {
    host: '0.0.0.0',
    port: 8080,
    adminHost: '127.0.0.1',
    adminPort: 9090,
    tls: null,
    adminTls: null,
  });
  assert.equal(config.scheduling, DEFAULT_PLAN);
  assert.equal(config.limits.bodyBytes, 32 * 1024 * 1024);
  assert.deepEqual(config.kvEvents, { bind: null, topicPrefix: 'kv@' });
  assert.equal(config.index.maxBytes, 2 ** 30);
  assert.deepEqual(config.models[0]?.endpoints, [
    {
      name: 'a',
      url: 'http://10.0.0.1:8000',
      kvEvents: null,
      kvReplay: null,
      dataParallelRank: null,
    },
  ]);
});

test('auto means: found out later', () => {
  const { config } = parse(model('blockSize: auto, hashAlgorithm: auto,'));
  assert.equal(config.models[0]?.blockSize, null);
  assert.equal(config.models[0]?.hashAlgorithm, null);
  const fixed = parse(model('blockSize: 64, hashAlgorithm: xxhash,')).config.models[0];
  assert.equal(fixed?.blockSize, 64);
  assert.equal(fixed?.hashAlgorithm, 'xxhash');
});

test('a hash seed is text: a YAML number keeps its digits as written', () => {
  const seed = (text: string) => {
    const { config, warnings } = parse(model(`hashSeed: ${text},`));
    return [config.models[0]?.hashSeed, warnings.length];
  };
  assert.deepEqual(seed('"42"'), ['42', 0]);
  assert.deepEqual(seed('42'), ['42', 0]);
  assert.deepEqual(seed('042'), ['042', 1]);
  assert.deepEqual(seed('18446744073709551615'), ['18446744073709551615', 1]);
  assert.deepEqual(seed('random'), ['random', 0]);
  assert.deepEqual(seed('""'), ['', 0]);
  assert.deepEqual(seed('~'), [null, 0]);
  refused(model('hashSeed: true,'), 'hashSeed: must be text, not true');
});

test('an unknown key is an error with place, value and nearest key', () => {
  refused(`${model()}listne: { port: 1 }`, 'warmpath.yaml:2:9: listne', '{"port":1}', '"listen"');
  refused(model('blokSize: 16,'), 'models[0].blokSize', 'value 16', 'did you mean "blockSize"');
  refused(
    model('', '[{ name: a, url: "http://a", kvEvent: x }]'),
    'static[0].kvEvent',
    '"kvEvents"',
  );
  refused(`${model()}limits: { bodybytes: 1 }`, 'limits.bodybytes', '"bodyBytes"');
  refused(`${model()}constructor: 1`, 'constructor: unknown key');
  refused(`${model()}__proto__: { port: 1 }`, '__proto__: unknown key');
});

test('wrong types and ranges are errors with place and value', () => {
  refused(`${model()}listen: { port: 65536 }`, 'listen.port: 65536 is out of range: 0 to 65535');
  refused(`${model()}listen: { port: "80" }`, 'listen.port: must be an integer, not "80"');
  refused(`${model()}listen: { port: 80.5 }`, 'not 80.5');
  refused(`${model()}listen: [1]`, 'listen: must be a mapping, not [1]');
  refused(
    `${model()}limits: { bodyBytes: lots }`,
    'limits.bodyBytes: must be a size such as 512MiB',
  );
  refused(`${model()}log: { level: inf }`, 'log.level: "inf"', '"info"');
  refused(`${model()}decisionHeaders: "yes"`, 'decisionHeaders: must be true or false');
  refused(model('hashAlgorithm: sha256_cbr,'), '"sha256_cbr"', '"sha256_cbor"');
  refused('models: []', 'models: has 0 items');
  refused('listen: {}', 'models: is required');
  refused('models: [{ name: m }]', 'models[0].tokenizer: is required');
  refused('a: 1\na: 2', 'warmpath.yaml:2:1');
  refused('a: [1', 'warmpath.yaml:1:');
});

test('sizes may carry a unit', () => {
  const size = (text: string) =>
    parse(`${model()}limits: { bodyBytes: ${text} }`).config.limits.bodyBytes;
  assert.equal(size('1048576'), 1048576);
  assert.equal(size('64MiB'), 64 * 2 ** 20);
  assert.equal(size('10MB'), 10_000_000);
  assert.equal(size('1.5 Mi'), 1.5 * 2 ** 20);
});

test('addresses are checked for what they are for', () => {
  const at = (fields: string) => model('', `[{ name: a, ${fields} }]`);
  refused(at('url: "10.0.0.1:8000"'), 'url', 'is not a URL');
  refused(at('url: "ftp://a"'), 'is not a URL');
  refused(at('url: "http://a:8000/v1/"'), 'url', 'leave out /v1');
  refused(at('url: "http://a?x=1"'), 'query');
  refused(at('url: "http://a", kvEvents: "tcp://*:5557"'), 'the address the engine binds');
  refused(at('url: "http://a", kvEvents: "tcp://a"'), 'is not an address');
  refused(at('url: "http://a", kvReplay: "tcp://a:99999"'), 'port 99999');
  refused(`${model()}kvEvents: { bind: 5557 }`, 'kvEvents.bind');
  const { config } = parse(`${at('url: "https://a:8443/v/"')}kvEvents: { bind: "tcp://*:5557" }`);
  assert.equal(config.models[0]?.endpoints[0]?.url, 'https://a:8443/v');
  assert.equal(config.kvEvents.bind, 'tcp://*:5557');
});

test('endpoint names and URLs and model names are unique over the whole file', () => {
  refused(
    model('', '[{ name: a, url: "http://a" }, { name: a, url: "http://b" }]'),
    'static[1].name: "a"',
  );
  refused(
    model('', '[{ name: a, url: "http://a" }, { name: b, url: "http://a/" }]'),
    'static[1].url',
  );
  refused(
    'models: [{ name: m, tokenizer: t, endpoints: { static: [{ url: "http://a" }] } }, { name: n, aliases: [m], tokenizer: t, endpoints: { static: [{ url: "http://b" }] } }]',
    'models[1].aliases[0]: "m" is taken',
  );
  const ranks = model(
    '',
    '[{ url: "http://a:8000", dataParallelRank: 0 }, { url: "http://a:8000", dataParallelRank: 1 }]',
  );
  assert.deepEqual(
    parse(ranks).config.models[0]?.endpoints.map(({ name }) => name),
    ['a:8000/dp0', 'a:8000/dp1'],
  );
});

test('several models each have their endpoints', () => {
  const { config } = parse(
    'models: [{ name: m, tokenizer: t, endpoints: { static: [{ url: "http://a" }] } }, { name: n, tokenizer: engine, endpoints: { static: [{ url: "http://b" }] } }]',
  );
  assert.deepEqual(
    config.models.map(({ name, tokenizer, endpoints }) => [
      name,
      path.isAbsolute(tokenizer),
      endpoints.length,
    ]),
    [
      ['m', true, 1],
      ['n', false, 1],
    ],
  );
});

const sourced = (endpoints: string) =>
  `models: [{ name: m, tokenizer: t, endpoints: { ${endpoints} } }]\n`;

test('sources of endpoints stand beside fixed ones, files relative to the configuration', () => {
  const { config } = parse(
    sourced(
      'kubernetes: { namespace: llm, selector: app=vllm, kvEventsPort: 5557 }, dns: { host: vllm.llm.svc, kvEventsPort: 5557 }, file: { path: e.yaml }',
    ),
  );
  const [kubernetes, dns, file] = config.models[0]?.sources ?? [];
  assert.deepEqual(kubernetes, {
    ...{ kind: 'kubernetes', namespace: 'llm', selector: 'app=vllm', service: null },
    ...{ inferencePool: null, scheme: 'http', port: 8000, kvEventsPort: 5557, kvReplayPort: null },
    ...{ dataParallelSize: 1, portName: null, kubeconfig: null },
  });
  assert.equal(dns?.kind === 'dns' && dns.intervalMs, 5000);
  assert.equal(file?.kind === 'file' && file.path, path.resolve('e.yaml'));
});

test('a source says in exactly one way which pods it means', () => {
  refused(sourced(''), 'has no endpoint');
  refused(sourced('kubernetes: { port: 8000 }'), 'models[0].endpoints.kubernetes', 'exactly one');
  refused(sourced('kubernetes: { selector: a=b, service: c }'), 'exactly one');
  refused(sourced('kubernetes: { selectors: a=b }'), 'selectors', 'did you mean');
  refused(sourced('dns: { port: 8000 }'), 'dns.host', 'is required');
});

test('engines that are found get their event ports from the EndpointPickerConfig, as fixed ones do', () => {
  const found = parse(
    `${sourced('kubernetes: { selector: a=b }')}scheduling: { ${GENERATION_3} }`,
  ).config;
  const [source] = found.models[0]?.sources ?? [];
  assert.ok(source?.kind === 'kubernetes');
  assert.deepEqual([source.kvEventsPort, source.kvReplayPort], [6000, 7000]);
  // Generation 1 binds, as engines of which no port is known must connect to us.
  const bound = parse(`${sourced('kubernetes: { selector: a=b }')}scheduling: { ${GENERATION_1} }`);
  assert.equal(bound.config.kvEvents.bind, 'tcp://*:5557');
});

const GENERATION_1 =
  'plugins: [{ type: prefix-cache-scorer, parameters: { mode: cache_tracking, indexerConfig: { tokenProcessorConfig: { blockSize: 64, hashSeed: "42" } } } }]';
const GENERATION_3 =
  'plugins: [{ type: precise-prefix-cache-producer, parameters: { speculativeIndexing: false, speculativeTTL: 5s, kvEventsConfig: { topicFilter: "x@", podDiscoveryConfig: { socketPort: 6000, replaySocketPort: 7000 } } } }]';

test('an EndpointPickerConfig fills what the file leaves open, and the file wins', () => {
  const open = parse(`${model()}scheduling: { ${GENERATION_1} }`);
  assert.equal(open.config.models[0]?.hashSeed, '42');
  assert.equal(open.config.kvEvents.bind, 'tcp://*:5557');
  const own = parse(
    `${model('hashSeed: "7", blockSize: 16,')}scheduling: { ${GENERATION_1} }\nkvEvents: { bind: "tcp://*:1" }`,
  );
  assert.equal(own.config.models[0]?.hashSeed, '7');
  assert.equal(own.config.kvEvents.bind, 'tcp://*:1');
  assert.equal(own.warnings.length, 2);
});

test("generation 1's unwritten port is not bound when every engine has an address", () => {
  const dialled = model('', '[{ name: a, url: "http://a", kvEvents: "tcp://a:5557" }]');
  assert.equal(parse(`${dialled}scheduling: { ${GENERATION_1} }`).config.kvEvents.bind, null);
});

test('discovered publishers stand at the port plus the rank, unless the file names one', () => {
  const endpoints =
    '[{ name: a, url: "http://10.0.0.1:8000", dataParallelRank: 1 }, { name: b, url: "http://b", kvEvents: "tcp://b:1" }]';
  const { config, warnings } = parse(model('', endpoints), { eppText: GENERATION_3 });
  assert.deepEqual(
    config.models[0]?.endpoints.map(({ kvEvents, kvReplay }) => [kvEvents, kvReplay]),
    [
      ['tcp://10.0.0.1:6001', 'tcp://10.0.0.1:7001'],
      ['tcp://b:1', null],
    ],
  );
  assert.deepEqual(config.kvEvents, { bind: null, topicPrefix: 'x@' });
  assert.equal(config.index.predictedTtlMs, 0, 'speculation is off');
  assert.ok(warnings.some((warning) => warning.startsWith('scheduling: kvEventsConfig')));
});

test('flags win over the file', () => {
  const { config } = parse(`${model()}listen: { port: 1 }`, {
    port: 0,
    adminPort: 7,
    eppText: 'plugins: [{ type: random-picker }]',
    logLevel: 'debug',
  });
  assert.deepEqual([config.listen.port, config.listen.adminPort], [0, 7]);
  assert.equal(config.scheduling.picker, 'random-picker');
  assert.equal(config.log.level, 'debug');
  assert.throws(() => parse(model(), { eppText: 'x', eppFile: 'y' }), /exclude each other/);
});

test('files are found beside the configuration, and a missing one is named', (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'warmpath-config-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'w.yaml');
  writeFileSync(path.join(folder, 'epp.yaml'), 'plugins: [{ type: random-picker }]');
  writeFileSync(path.join(folder, 't.jinja'), '{{ messages }}');
  writeFileSync(
    file,
    'models: [{ name: m, tokenizer: tok, chatTemplate: t.jinja, endpoints: { static: [{ url: "http://a" }] } }]\nscheduling: { configFile: epp.yaml }',
  );
  const { config } = loadConfig(file);
  assert.equal(config.models[0]?.tokenizer, path.join(folder, 'tok'));
  assert.equal(config.models[0]?.chatTemplate, '{{ messages }}');
  assert.equal(config.scheduling.picker, 'random-picker');
  assert.throws(() => loadConfig(path.join(folder, 'none.yaml')), /none\.yaml cannot be read/);
  refused(`${model()}scheduling: { configFile: none.yaml }`, 'scheduling.configFile', 'none.yaml');
  refused(`${model()}scheduling: { configFile: epp.yaml, plugins: [] }`, 'scheduling.plugins');
});

test('an error inside inline scheduling names its place in the file', () => {
  refused(
    `${model()}scheduling:\n  plugins:\n    - type: max-scor-picker\n`,
    'warmpath.yaml:4:13: scheduling.plugins[0].type',
    '"max-score-picker"',
  );
});

test('aliases of YAML work, and a bomb of them does not', () => {
  const { config } = parse(
    'listen: &l { port: 5 }\nmodels: [{ name: m, tokenizer: t, endpoints: { static: &e [{ url: "http://a" }] } }]',
  );
  assert.equal(config.listen.port, 5);
  const bomb = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
  for (let i = 1; i < 9; i += 1) {
    bomb.push(
      `a${i}: &a${i} [${Array(10)
        .fill(`*a${i - 1}`)
        .join(', ')}]`,
    );
  }
  refused(bomb.join('\n'), 'warmpath.yaml');
});

test('the reference has every key once, with a sentence and a default or nothing', () => {
  const rows = configReference();
  assert.equal(new Set(rows.map((row) => row.path)).size, rows.length);
  for (const { path: key, doc, type } of rows) {
    assert.match(doc, /\S.*[.]$/, key);
    assert.ok(type.length > 0);
  }
  const url = rows.find((row) => row.path === 'models[].endpoints.static[].url');
  assert.equal(url?.fallback, null, 'required');
  assert.equal(rows.find((row) => row.path === 'limits.bodyBytes')?.fallback, '32MiB');
});
