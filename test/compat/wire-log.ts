// WireLog: a fetch for an SDK that keeps what the SDK sent and the bytes that came back.

export interface WireExchange {
  readonly path: string;
  readonly requestHeaders: Headers;
  readonly requestBody: string;
  readonly status: number;
  readonly headers: Headers;
  /** The whole answer; resolves when it has ended. */
  readonly text: Promise<string>;
}

export interface WireLog {
  readonly fetch: typeof fetch;
  readonly exchanges: readonly WireExchange[];
  /** The latest. Throws before there is one. */
  readonly last: WireExchange;
}

export function wireLog(): WireLog {
  const exchanges: WireExchange[] = [];
  const logged: typeof fetch = async (input, init = {}) => {
    const url = input instanceof Request ? input.url : String(input);
    const requestHeaders = new Headers(init.headers);
    // openai 4 counts by itself, which is for the transport to do.
    requestHeaders.delete('content-length');
    const response = await fetch(input, { ...init, headers: requestHeaders });
    exchanges.push({
      path: new URL(url).pathname,
      requestHeaders,
      requestBody: String(init.body ?? ''),
      status: response.status,
      headers: response.headers,
      text: response.clone().text(),
    });
    return response;
  };
  return {
    fetch: logged,
    exchanges,
    get last() {
      const last = exchanges.at(-1);
      if (last === undefined) throw new Error('nothing was asked');
      return last;
    },
  };
}

/** Asks `origin` exactly what was asked before. */
export async function askAgain(origin: string, exchange: WireExchange): Promise<string> {
  const { path, requestHeaders, requestBody } = exchange;
  const answer = await fetch(`${origin}${path}`, {
    ...{ method: 'POST', headers: requestHeaders, body: requestBody },
  });
  return answer.text();
}
