// Addresses in a configuration: an engine's URL, a ZMQ endpoint to connect to or to bind.
import { type Field, shown } from './field.js';

/** `http://host:8000/prefix`, without a trailing slash. */
export function engineUrl(doc: string): Field<string> {
  return address('URL', doc, (value, fail) => {
    const url = URL.canParse(value) ? new URL(value) : null;
    if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
      return fail(`${shown(value)} is not a URL such as http://10.0.0.1:8000`);
    }
    if (url.username !== '' || url.search !== '' || url.hash !== '') {
      return fail(`${shown(value)} may have no user, query or fragment`);
    }
    const path = url.pathname.replace(/\/+$/, '');
    // As clients write it; the router would ask for /v1/v1/chat/completions.
    if (path.endsWith('/v1')) return fail(`${shown(value)}: leave out /v1, paths are added to it`);
    return `${url.protocol}//${url.host}${path}`;
  });
}

/** An address that a socket connects to: it names a host, or a path of this machine. */
export function connectAddress(doc: string): Field<string> {
  return address('ZMQ address', doc, (value, fail) => {
    const host = checkZmq(value, fail);
    if (host === '*' || host === '0.0.0.0' || host === '[::]' || host === '::') {
      return fail(
        `${shown(value)} is the address the engine binds; name the engine's host instead`,
      );
    }
    return value;
  });
}

export function bindAddress(doc: string): Field<string> {
  return address('ZMQ address', doc, (value, fail) => {
    checkZmq(value, fail);
    return value;
  });
}

type Fail = (message: string) => never;

function address(
  type: string,
  doc: string,
  check: (value: string, fail: Fail) => string,
): Field<string> {
  return {
    about: { doc, type, fallback: null },
    read(value, place) {
      if (value === undefined || value === null) return place.fail(`is required (${doc})`);
      if (typeof value !== 'string') return place.fail(`must be text, not ${shown(value)}`);
      return check(value, (message) => place.fail(message));
    },
  };
}

/** Returns the host of a tcp address, or the path of another. */
function checkZmq(value: string, fail: Fail): string {
  const tcp = /^tcp:\/\/(.+):(\d+)$/.exec(value);
  if (tcp !== null) {
    const port = Number(tcp[2]);
    if (port > 65535) fail(`${shown(value)}: port ${port} is above 65535`);
    return tcp[1] ?? '';
  }
  const local = /^(?:ipc|inproc):\/\/(.+)$/.exec(value);
  return local?.[1] ?? fail(`${shown(value)} is not an address such as tcp://10.0.0.1:5557`);
}
