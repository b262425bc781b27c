import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseArguments } from '../../src/cli/arguments.js';
import { COMMANDS } from '../../src/cli/command-table.js';
import { inspectEvent } from '../../src/cli/inspect-event.js';
import { inspectHash } from '../../src/cli/inspect-hash.js';
import { ConfigError } from '../../src/errors.js';

function serve(argv: string[], environment: Record<string, string> = {}) {
  const invocation = parseArguments(['serve', ...argv], environment);
  assert.ok(invocation.command === 'serve');
  return invocation;
}
function refused(argv: string[], environment: Record<string, string>, ...parts: string[]): void {
  assert.throws(
    () => parseArguments(argv, environment),
    (error: unknown) => {
      assert.ok(error instanceof ConfigError, String(error));
      for (const part of parts)
        assert.ok(error.message.includes(part), `${error.message} / ${part}`);
      return true;
    },
  );
}

test('flags have values after a space or an equals sign, with one dash or two', () => {
  const { flags, warnings } = serve(['--config', 'w.yaml', '--port=0', '-admin-port', '7']);
  assert.deepEqual(flags, {
    config: 'w.yaml',
    port: 0,
    host: null,
    'admin-host': null,
    'admin-port': 7,
    'api-key': null,
    'admin-key': null,
    'config-file': null,
    'config-text': null,
    'log-level': null,
    'state-dir': null,
  });
  assert.deepEqual(warnings, []);
});

test('a value may start with a blank line or hold an equals sign', () => {
  const text = '\nkind: EndpointPickerConfig\n# a=b\n';
  assert.equal(serve(['--config', 'c', '--config-text', text]).flags['config-text'], text);
  assert.equal(serve(['--config', 'c', `--config-text=${text}`]).flags['config-text'], text);
});

test('the environment fills what no flag says', () => {
  const environment = { WARMPATH_CONFIG: 'e.yaml', WARMPATH_PORT: '81', WARMPATH_ADMIN_PORT: '91' };
  const { flags } = serve(['--port', '80'], environment);
  assert.deepEqual([flags.config, flags.port, flags['admin-port']], ['e.yaml', 80, 91]);
});

test('what Kubernetes says of a Service named warmpath is not ours', () => {
  const { flags, warnings } = serve(['--config', 'c'], {
    WARMPATH_PORT: 'tcp://10.96.0.7:8080',
    WARMPATH_SERVICE_HOST: '10.96.0.7',
    WARMPATH_SERVICE_PORT: '8080',
    WARMPATH_PORT_8080_TCP_ADDR: '10.96.0.7',
  });
  assert.equal(flags.port, null);
  assert.deepEqual(warnings, []);
});

test('a variable that nothing knows is warned about with the nearest one', () => {
  const { warnings } = serve(['--config', 'c'], { WARMPATH_ADMINPORT: '1', WARMPATH_SPEEDUP: '2' });
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? '', /WARMPATH_ADMINPORT.*WARMPATH_ADMIN_PORT/);
});

test('mistakes name flag or variable, value and the nearest known one', () => {
  refused(['serv'], {}, '"serv"', '"serve"');
  refused(['serve', '--confg', 'c'], {}, '--confg', '"--config"');
  refused(['serve', '--config', 'c', '--port', 'http'], {}, '--port', '"http"');
  refused(['serve', '--config', 'c', '--port', ''], {}, '--port', 'must be an integer');
  refused(['serve', '--config', 'c'], { WARMPATH_PORT: '70000' }, 'WARMPATH_PORT', '70000');
  refused(['serve', '--config'], {}, '--config needs a value');
  refused(['serve'], {}, 'serve needs --config', 'Usage: warmpath serve');
  refused(['serve', '--config', 'c', 'more'], {}, 'unexpected argument "more"');
  refused(['inspect'], {}, 'hash, event, tokens');
  refused(['inspect', 'hsh'], {}, '"hsh"', '"hash"');
  refused(['inspect', 'hash', 'event'], {}, 'unexpected argument "event"');
  refused(['demo', '--engines', '0'], {}, '--engines', '0 is out of range');
  refused(['sim', '--hash-algo', 'md5'], {}, '--hash-algo', '"md5"', 'sha256_cbor');
  refused(['bench', 'fleet', '--json=maybe'], {}, '--json', '"maybe"');
});

test('switches are true when named and take =false', () => {
  const bench = (...argv: string[]) => {
    const invocation = parseArguments(['bench', 'fleet', ...argv], {});
    assert.ok(invocation.command === 'bench');
    return [invocation.operand, invocation.flags.json, invocation.flags.closed];
  };
  assert.deepEqual(bench(), ['fleet', false, false]);
  assert.deepEqual(bench('--json', '--closed'), ['fleet', true, true]);
  assert.deepEqual(bench('--json=false', '--closed=true'), ['fleet', false, true]);
});

test("an endpoint picker's flags are accepted by serve and reported", () => {
  const argv = ['--config', 'c', '--secure-serving', '--grpc-port', '9002', '--cert-path=/etc'];
  const { flags, warnings } = serve(argv);
  assert.equal(flags.config, 'c');
  assert.equal(warnings.length, 3);
  refused(['demo', '--grpc-port', '1'], {}, 'unknown flag --grpc-port');
});

test('help names every command and every flag', () => {
  const all = parseArguments([], {});
  assert.ok(all.command === 'help');
  for (const [name, { flags }] of Object.entries(COMMANDS)) {
    assert.ok(all.text.includes(`  ${name} `), name);
    const one = parseArguments([name, '--help'], {});
    assert.ok(one.command === 'help');
    for (const flag of Object.keys(flags)) assert.ok(one.text.includes(`--${flag}`), flag);
  }
  assert.equal(parseArguments(['--version'], {}).command, 'version');
});

test('the help of inspect shows lines that it takes', () => {
  const help = parseArguments(['inspect', '--help'], {});
  assert.ok(help.command === 'help');
  const { hash, event, tokens } = COMMANDS.inspect.examples;
  for (const line of [hash, event, tokens]) assert.ok(help.text.includes(line));
  assert.ok(inspectHash(JSON.parse(hash)));
  assert.ok(inspectEvent(JSON.parse(event)));
  assert.ok(JSON.parse(tokens));
});
