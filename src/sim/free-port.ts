// A TCP port that is free now, for a server that must be able to come back to it.
//
// uWebSockets.js sets SO_REUSEADDR only for a port it is told. On one that the system chose, the
// connections of a closed server keep the port taken for a minute.
import { createServer } from 'node:net';

export async function freePort(host: string): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once('error', reject);
    probe.listen(0, host, resolve);
  });
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (address === null || typeof address === 'string') throw new Error(`no port on ${host}`);
  return address.port;
}
