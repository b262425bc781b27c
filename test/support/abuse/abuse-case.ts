// One thing that a hostile or broken client does, and what it gets for it.
import type { HttpImplementation } from '../../../src/http/server.js';
import { TEST_MODEL } from '../router.js';

export interface AbuseCase {
  readonly name: string;
  /** One character a byte. */
  readonly sends: string;
  /** After it has sent all the client waits, unless it closes its side or breaks the connection. */
  readonly leaves?: 'ends' | 'resets';
  /** Status codes that come back, in order, and `closed` where the server then ends the connection. */
  readonly answer: string | ByServer<string>;
  /** Requests that reach the engine; none when left out. */
  readonly passed?: number | ByServer<number>;
  /** The server closes while bytes are still under way to it, which may take its answer with it. */
  readonly mayBeLost?: boolean;
}

type ByServer<T> = Readonly<Record<Exclude<HttpImplementation, 'auto'>, T>>;

export const CHAT = '/v1/chat/completions';
export const POST = `POST ${CHAT} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n`;
export const GET = 'GET /v1/models HTTP/1.1\r\nhost: x\r\n';
export const CHUNKED = `${POST}transfer-encoding: chunked\r\n\r\n`;
/** Answered only where it was taken for a request of its own. */
export const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n';

const MESSAGES = '"messages":[{"role":"user","content":"a"}]';
export const VALID = `{"model":"${TEST_MODEL}",${MESSAGES}}`;
export const HALF = VALID.slice(0, 30);

export const got = (target: string) => `GET ${target} HTTP/1.1\r\nhost: x\r\n\r\n`;
export const posted = (target: string) =>
  `POST ${target} HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n`;
export const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;

/** A chat request with this body. */
export const body = (text: string, headers = '') =>
  `${POST}${headers}content-length: ${text.length}\r\n\r\n${text}`;
/** A valid chat with more fields. */
export const chat = (fields: string) => body(`{"model":"${TEST_MODEL}",${MESSAGES},${fields}}`);
/** A chat whose message is this, as it stands between quotes. */
export const said = (content: string) =>
  body(`{"model":"${TEST_MODEL}","messages":[{"role":"user","content":"${content}"}]}`);
