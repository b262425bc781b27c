import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { Agent, type RequestOptions, request } from 'node:https';
import { connect as connectPlain } from 'node:net';
import { describe, test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { ConfigError } from '../../src/errors.js';
import type { Exchange } from '../../src/http/exchange.js';
import { TestCa } from '../support/certificates.js';
import { IMPLEMENTATIONS, serve } from '../support/http-servers.js';

const ca = new TestCa();
const [first, second] = [ca.issue('first'), ca.issue('second')];
const LARGE_BYTES = 8 * 1024 * 1024;

interface Heard {
  readonly subject: string;
  readonly body: Buffer;
}

function ask(port: number, options: RequestOptions, body?: Buffer): Promise<Heard> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, ca: ca.cert, ...options }, (answer) => {
      const socket = answer.socket as TLSSocket;
      const subject = String(socket.getPeerCertificate().subject.CN);
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => resolve({ subject, body: Buffer.concat(chunks) }));
      answer.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

const hello = (exchange: Exchange) => exchange.respond(200, [], 'hello');

for (const implementation of IMPLEMENTATIONS) {
  describe(`TLS on ${implementation}`, () => {
    test('a client that trusts the CA is served, one that does not is not', async () => {
      using served = await serve(implementation, hello, first);
      const { subject, body } = await ask(served.port, { agent: false });
      assert.deepEqual([subject, body.toString()], ['first', 'hello']);
      await assert.rejects(ask(served.port, { agent: false, ca: [] }), /certificate/);
      const old = { agent: false, maxVersion: 'TLSv1.1', minVersion: 'TLSv1' } as const;
      await assert.rejects(ask(served.port, old));
    });

    test('large bodies pass in both directions', async () => {
      using served = await serve(
        implementation,
        async (exchange) => {
          const body = await exchange.readBody(LARGE_BYTES);
          exchange.start(200, [], null);
          for (let at = 0; at < body.length; at += 65_536) {
            if (exchange.write(body.subarray(at, at + 65_536))) continue;
            await new Promise<void>((resolve) => exchange.onDrain(resolve));
          }
          exchange.end();
        },
        first,
      );
      const sent = Buffer.alloc(LARGE_BYTES, 'some text ');
      const { body } = await ask(served.port, { agent: false, method: 'POST' }, sent);
      assert.ok(body.equals(sent));
    });

    test('a renewed certificate is for new connections; open ones and their streams go on', async () => {
      let finish = () => {};
      using served = await serve(
        implementation,
        (exchange) => {
          if (exchange.path !== '/stream') return hello(exchange);
          exchange.start(200, [], null);
          exchange.write(Buffer.from('begun '));
          finish = () => {
            exchange.write(Buffer.from('ended'));
            exchange.end();
          };
        },
        first,
      );
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const streamed = ask(served.port, { agent: false, path: '/stream' });
      assert.equal((await ask(served.port, { agent })).subject, 'first');
      assert.equal(served.server.openConnections, 2);
      served.server.renew(second);
      assert.equal((await ask(served.port, { agent: false })).subject, 'second');
      assert.equal((await ask(served.port, { agent })).subject, 'first', 'it was kept open');
      finish();
      assert.equal((await streamed).body.toString(), 'begun ended');
      agent.destroy();
    });

    test('files that are no pair are refused, and the certificate stays', async () => {
      using served = await serve(implementation, hello, first);
      const mixed = { ...second, keyFile: first.keyFile, key: first.key };
      assert.throws(() => served.server.renew(mixed), ConfigError);
      assert.equal((await ask(served.port, { agent: false })).subject, 'first');
    });

    test('plain HTTP on a port with a certificate gets no answer, and the server lives', async () => {
      using served = await serve(implementation, hello, first);
      const heard = await new Promise<string>((resolve) => {
        const socket = connectPlain({ host: '127.0.0.1', port: served.port });
        let text = '';
        socket.on('data', (chunk) => {
          text += chunk.toString('latin1');
        });
        socket.on('error', () => {});
        socket.on('close', () => resolve(text));
        socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
      });
      assert.doesNotMatch(heard, /200 OK/);
      const half = connect({ host: '127.0.0.1', port: served.port, ca: ca.cert });
      half.on('error', () => {});
      half.destroy();
      assert.equal((await ask(served.port, { agent: false })).body.toString(), 'hello');
    });
  });
}

test('servers and certificates come and go by the dozen, and every connection is served', async () => {
  // An acceptor of the wrong kind corrupted memory, which showed in one of some hundred connections.
  for (let i = 0; i < 30; i++) {
    using served = await serve('uwebsockets', hello, first);
    const heard = [await ask(served.port, { agent: false })];
    for (const certificate of [second, first]) {
      served.server.renew(certificate);
      heard.push(await ask(served.port, { agent: false }));
    }
    assert.deepEqual(
      heard.map(({ subject, body }) => `${subject} ${body}`),
      ['first hello', 'second hello', 'first hello'],
    );
  }
});

test('a certificate that vanished before the server starts is an error with its cure', async () => {
  const gone = ca.issue('gone');
  writeFileSync(gone.keyFile, 'no key');
  await assert.rejects(
    serve('uwebsockets', hello, gone),
    (error) => error instanceof ConfigError && /gone\.pem.*as PEM/.test(error.message),
  );
});
