// Certificates on both ports of a running router, and their renewal.
import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { connect } from 'node:tls';
import { Agent, request } from 'undici';
import { parseConfig } from '../../src/config/config.js';
import { ConfigError } from '../../src/errors.js';
import { TestCa } from '../support/certificates.js';
import { QUICK_TOKENIZER, TEST_MODEL } from '../support/router.js';
import { serveProcess } from '../support/router-process.js';
import { startSim } from '../support/sim-engine.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { waitFor } from '../support/wait-for.js';

const ca = new TestCa();

function subjectAt(url: string): Promise<string> {
  const { hostname: host, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port: Number(port), ca: ca.cert }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

function clientOf(context: TestContext): Agent {
  const client = new Agent({ connect: { ca: ca.cert } });
  context.after(() => client.destroy());
  return client;
}

test('both ports speak TLS; renewed files are served to new connections while a stream goes on', async (context) => {
  const sim = await startSim(context, { model: TEST_MODEL, timing: 'qwen2.5-7b-h100' });
  const names = { certFile: 'tls.pem', keyFile: 'tls.key' };
  const first = ca.issue('first');
  const config = JSON.stringify({
    listen: {
      ...{ host: '127.0.0.1', port: 0, adminHost: '127.0.0.1', adminPort: 0 },
      ...{ tls: names, adminTls: names },
    },
    models: [
      { name: TEST_MODEL, ...QUICK_TOKENIZER.model, endpoints: { static: [{ url: sim.url }] } },
    ],
    tokenizer: { threads: 1 },
  });
  const files = { [names.certFile]: first.cert, [names.keyFile]: first.key };
  const router = serveProcess(context, config, { files });
  const url = await router.ready;
  assert.match(url, /^https:/);
  const logged = (message: string) => router.lines().filter((line) => line['message'] === message);
  await waitFor('the addresses', () => logged('listening').length === 1);
  const adminUrl = String(logged('listening')[0]?.['adminUrl']);
  const dispatcher = clientOf(context);
  assert.equal((await request(`${adminUrl}/readyz`, { dispatcher })).statusCode, 200);
  await assert.rejects(request(`${url}/health`), /certificate|fetch/);

  const streamed = await request(`${url}/v1/completions`, {
    ...{ method: 'POST', dispatcher, headers: { 'content-type': 'application/json' } },
    body: JSON.stringify({
      model: TEST_MODEL,
      prompt: 'a b c',
      max_tokens: 300,
      stream: true,
      ignore_eos: true,
    }),
  });
  const second = ca.issue('second');
  const put = (from: string, name: string) => copyFileSync(from, join(router.folder, name));
  put(second.certFile, names.certFile);
  router.child.kill('SIGHUP');
  await waitFor(
    'half of a pair to be refused',
    () => logged('configuration refused: the one before stays').length > 0,
  );
  assert.equal(await subjectAt(url), 'first');
  put(second.keyFile, names.keyFile);
  router.child.kill('SIGHUP');
  await waitFor('the new certificate', async () => (await subjectAt(url)) === 'second');
  assert.equal(await subjectAt(adminUrl), 'second');
  const text = await streamed.body.text();
  assert.equal(text.split('"text":').length - 1, 300);
  assert.ok(text.endsWith('data: [DONE]\n\n'));
  const metrics = await request(`${adminUrl}/metrics`, { dispatcher });
  const page = await metrics.body.text();
  const expiry = /^warmpath_certificate_expiry_timestamp_seconds\{port="api"\} (\d+)$/m.exec(page);
  const days = (Number(expiry?.[1]) - Date.now() / 1000) / 86_400;
  assert.ok(days > 1.9 && days < 2.1, `${days} days`);
  router.child.kill('SIGTERM');
  assert.equal((await router.ended).code, 0);
  assert.doesNotMatch((await router.ended).stderr, /PRIVATE KEY/);
});

test('files that are no certificate and its key are refused with the place and the cure', () => {
  const [one, other] = [ca.issue('one'), ca.issue('other')];
  const model = { name: 'm', tokenizer: 'engine', endpoints: { static: [{ url: 'http://h:1' }] } };
  const refused = (certFile: string, keyFile: string, expected: RegExp) =>
    assert.throws(
      () =>
        parseConfig(
          JSON.stringify({ listen: { tls: { certFile, keyFile } }, models: [model] }),
          'c',
        ),
      (error) => error instanceof ConfigError && expected.test(error.message),
    );
  refused(one.certFile, other.keyFile, /listen\.tls: .*one\.pem and .*other\.key are not .*PEM/);
  refused(one.keyFile, one.certFile, /are not a certificate and its key/);
  refused(join(temporaryFolder(), 'none'), one.keyFile, /certFile .*none cannot be read/);
});
