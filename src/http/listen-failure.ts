// Why a host and port could not be bound.
import { createServer as createPlainServer } from 'node:net';
import { ConfigError } from '../errors.js';

/** One line with the cure. uWebSockets.js does not say why, so the question is put to node:net. */
export function listenFailure(host: string, port: number): Promise<ConfigError> {
  return new Promise((resolve) => {
    const probe = createPlainServer();
    const answer = (code: string | undefined) =>
      resolve(new ConfigError(`cannot listen on ${host}:${port}: ${reason(code)}`));
    probe.once('error', (error: NodeJS.ErrnoException) => answer(error.code));
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => answer(undefined)));
  });
}

function reason(code: string | undefined): string {
  switch (code) {
    case 'EADDRINUSE':
      return 'the port is in use; stop the other process or choose another port';
    case 'EACCES':
      return 'not permitted; choose a port above 1023 or grant CAP_NET_BIND_SERVICE';
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `no address of this machine (${code}); use 0.0.0.0 to listen on all of them`;
    default:
      return code ?? 'the address was refused; try again or choose another port';
  }
}
