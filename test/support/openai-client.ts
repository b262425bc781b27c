// Talks to an OpenAI-compatible server the way its clients do, and returns what came over the wire.
import { request } from 'undici';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: bodies of any shape, read field by field in tests.
  readonly body: any;
}

export async function get(url: string, headers: Record<string, string> = {}): Promise<Answer> {
  return call('GET', url, undefined, headers);
}

export async function post(
  url: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return call('POST', url, text, { 'content-type': 'application/json', ...headers });
}

/** The data of each event of a stream, `[DONE]` included, JSON parsed. */
/** Parsed JSON, of as many shapes as a stream has events. */
export function eventsOf({ text }: Answer): readonly ReturnType<typeof JSON.parse>[] {
  return text
    .split('\n\n')
    .filter((event) => event !== '')
    .map((event) => {
      const data = event.replace(/^data: /, '');
      return data === '[DONE]' ? data : JSON.parse(data);
    });
}

async function call(
  method: 'GET' | 'POST',
  url: string,
  body: string | undefined,
  headers: Record<string, string>,
): Promise<Answer> {
  const options = body === undefined ? { method, headers } : { method, headers, body };
  const response = await request(url, options);
  const text = await response.body.text();
  const isJson = String(response.headers['content-type']).startsWith('application/json');
  return {
    status: response.statusCode,
    headers: response.headers,
    text,
    body: isJson ? JSON.parse(text) : null,
  };
}
