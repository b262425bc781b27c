import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { LoadClient } from '../../bench/decide/load-client.js';
import { waitFor } from '../support/wait-for.js';

const ANSWER =
  'HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-warmpath-decision-us: 7\r\n' +
  'x-warmpath-prompt-tokens: 9\r\nx-warmpath-matched-tokens: 8\r\n\r\nok';
const BODY = Buffer.from('{}');

/** Calls `onRequest` for every request, and notes the connections. */
async function serverOf(
  context: TestContext,
  onRequest: (socket: Socket) => void,
): Promise<{ readonly sockets: Socket[]; readonly client: LoadClient }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    let text = '';
    socket.setEncoding('latin1');
    socket.on('error', () => {});
    socket.on('data', (part: string) => {
      text += part;
      if (!text.endsWith(`\r\n\r\n${BODY}`)) return;
      text = '';
      onRequest(socket);
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const client = new LoadClient((server.address() as AddressInfo).port, 300);
  context.after(() => {
    client.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { sockets, client };
}

const post = (client: LoadClient) => client.post('/', BODY, performance.now());

test('answers one after the other come over one connection', async (context) => {
  const { sockets, client } = await serverOf(context, (socket) => socket.write(ANSWER));
  const first = await post(client);
  assert.deepEqual(
    { ...first, latencyMs: 0 },
    { status: 200, latencyMs: 0, decisionUs: 7, promptTokens: 9, matchedTokens: 8 },
  );
  await post(client);
  assert.equal(sockets.length, 1);
});

test('a connection that the server closed while it was idle is not used again', async (context) => {
  const { sockets, client } = await serverOf(context, (socket) => socket.write(ANSWER));
  await Promise.all([post(client), post(client)]);
  const closed = sockets.map((socket) => once(socket, 'close'));
  for (const socket of sockets) socket.end();
  await Promise.all(closed);
  assert.equal((await post(client)).status, 200);
  assert.equal(sockets.length, 3);
});

test('a request that met the end of a kept connection goes out once more', async (context) => {
  let requests = 0;
  const { sockets, client } = await serverOf(context, (socket) => {
    requests++;
    if (requests === 2) socket.resetAndDestroy();
    else socket.write(ANSWER);
  });
  await post(client);
  assert.equal((await post(client)).status, 200);
  assert.equal(sockets.length, 2);
});

test('a new connection that ends without an answer is an error', async (context) => {
  const { client } = await serverOf(context, (socket) => socket.end());
  await assert.rejects(post(client), /connection closed/);
});

test('an answer that breaks off is an error, not sent again', async (context) => {
  let requests = 0;
  const { client } = await serverOf(context, (socket) => {
    requests++;
    if (requests === 1) socket.write(ANSWER);
    else socket.end(ANSWER.slice(0, -1));
  });
  await post(client);
  await assert.rejects(post(client), /connection closed/);
  assert.equal(requests, 2);
});

test('a server that does not answer is an error after the deadline', async (context) => {
  const { client, sockets } = await serverOf(context, () => {});
  await assert.rejects(post(client), /no answer within 300 ms/);
  await waitFor('the end of its connection', () => sockets[0]?.destroyed === true);
});

test('an idle connection has no deadline', async (context) => {
  const { client, sockets } = await serverOf(context, (socket) => socket.write(ANSWER));
  await post(client);
  await new Promise((resolve) => setTimeout(resolve, 400));
  await post(client);
  assert.equal(sockets.length, 1);
});
