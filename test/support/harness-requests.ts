// What public benchmark harnesses send, recorded from runs of them through the router: heads and bodies
// byte for byte, but for the host, ids, and a short prompt in the place of theirs.

export interface HarnessRequest {
  readonly harness: string;
  readonly path: string;
  /** In the order and spelling of the client; host and content-length are left out. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

type Headers = HarnessRequest['headers'];

const CHAT = '/v1/chat/completions';
const TEXT = '/v1/completions';
const ANY = ['Accept', '*/*'] as const;
const PACKED = ['Accept-Encoding', 'gzip, deflate'] as const;
const JSON_BODY = ['Content-Type', 'application/json'] as const;
const KEPT = ['Connection', 'keep-alive'] as const;
const HTTPX: Headers = [ANY, PACKED, KEPT, ['User-Agent', 'python-httpx/0.28.1'], JSON_BODY];
const AIOHTTP: Headers = [ANY, PACKED, ['User-Agent', 'Python/3.11 aiohttp/3.14.5']];
const REQUESTS: Headers = [
  ...([['User-Agent', 'python-requests/2.34.2'], PACKED, ANY, KEPT] as const),
  ['Authorization', 'Bearer x'],
  JSON_BODY,
];
const VLLM: Headers = [JSON_BODY, ['x-request-id', 'bench-3bc5534b-0'], ...AIOHTTP];
const aiperf = (accept: string): Headers => [
  ['User-Agent', 'aiperf/0.13.0'],
  ['X-Request-ID', 'a52e1656-f6c5-49bf-9aa8-1529be165dc5'],
  ['X-Correlation-ID', '4964069a-725e-4125-ba64-b915e03e0c87'],
  ['Accept', accept],
  JSON_BODY,
  ['X-Session-Affinity', '4964069a-725e-4125-ba64-b915e03e0c87'],
];
const STREAM = aiperf('text/event-stream');
const WHOLE = aiperf('application/json');

const recorded: readonly (readonly [string, string, Headers, string])[] = [
  [
    ...(['guidellm 0.8.1', CHAT, HTTPX] as const),
    '{"model":"Qwen/Qwen3-0.6B","stream":true,"stream_options":{"include_usage":true,"continuous_usage_stats":true},"max_completion_tokens":30,"ignore_eos":true,"messages":[{"role":"user","content":[{"type":"text","text":"a b c"}]}]}',
  ],
  [
    ...(['guidellm 0.8.1', CHAT, HTTPX] as const),
    '{"model":"Qwen/Qwen3-0.6B","max_completion_tokens":30,"ignore_eos":true,"messages":[{"role":"user","content":[{"type":"text","text":"a b c"}]}]}',
  ],
  [
    ...(['guidellm 0.8.1', TEXT, HTTPX] as const),
    '{"model":"Qwen/Qwen3-0.6B","stream":true,"stream_options":{"include_usage":true,"continuous_usage_stats":true},"max_tokens":30,"ignore_eos":true,"prompt":"a b c"}',
  ],
  [
    ...(['guidellm 0.8.1', TEXT, HTTPX] as const),
    '{"model":"Qwen/Qwen3-0.6B","max_tokens":30,"ignore_eos":true,"prompt":"a b c"}',
  ],
  [
    ...(['vllm bench serve 0.33.0', CHAT, VLLM] as const),
    '{"model": "Qwen/Qwen3-0.6B", "messages": [{"role": "user", "content": [{"type": "text", "text": "a \\u05d4 c"}]}], "max_completion_tokens": 30, "stream": true, "stream_options": {"include_usage": true}, "ignore_eos": true}',
  ],
  [
    ...(['vllm bench serve 0.33.0', TEXT, VLLM] as const),
    '{"model": "Qwen/Qwen3-0.6B", "prompt": "a \\u05d4 c", "repetition_penalty": 1.0, "max_tokens": 30, "logprobs": null, "stream": true, "stream_options": {"include_usage": true}, "ignore_eos": true}',
  ],
  [
    ...(['vllm bench serve 0.33.0', '/tokenize', [...AIOHTTP, JSON_BODY]] as const),
    '{"model": "Qwen/Qwen3-0.6B", "prompt": "a b c", "add_special_tokens": false}',
  ],
  [
    ...(['inference-perf 0.7.0', TEXT, [JSON_BODY, ...AIOHTTP]] as const),
    '{"model": "Qwen/Qwen3-0.6B", "prompt": "a b c", "max_tokens": 30, "ignore_eos": true, "stream": true, "stream_options": {"include_usage": true}}',
  ],
  [
    ...(['inference-perf 0.7.0', TEXT, [JSON_BODY, ...AIOHTTP]] as const),
    '{"model": "Qwen/Qwen3-0.6B", "prompt": "a b c", "max_tokens": 30, "ignore_eos": true, "stream": false}',
  ],
  [
    ...(['inference-perf 0.7.0', CHAT, [JSON_BODY, ...AIOHTTP]] as const),
    '{"model": "Qwen/Qwen3-0.6B", "messages": [{"role": "user", "content": "a b c"}], "max_tokens": 30, "ignore_eos": true, "stream": true, "stream_options": {"include_usage": true}}',
  ],
  [
    ...(['aiperf 0.13.0', CHAT, STREAM] as const),
    '{"messages":[{"role":"user","content":"a b c"}],"model":"Qwen/Qwen3-0.6B","stream":true,"max_completion_tokens":30,"ignore_eos":true,"stream_options":{"include_usage":true}}',
  ],
  [
    ...(['aiperf 0.13.0', CHAT, WHOLE] as const),
    '{"messages":[{"role":"user","content":"a b c"}],"model":"Qwen/Qwen3-0.6B","stream":false,"max_completion_tokens":30,"ignore_eos":true}',
  ],
  [
    ...(['aiperf 0.13.0', TEXT, STREAM] as const),
    '{"prompt":"a b c","model":"Qwen/Qwen3-0.6B","stream":true,"max_tokens":30,"ignore_eos":true,"stream_options":{"include_usage":true}}',
  ],
  [
    ...(['sglang 0.5.23', TEXT, [...AIOHTTP, JSON_BODY]] as const),
    '{"model": "Qwen/Qwen3-0.6B", "prompt": "a b c", "best_of": 1, "max_tokens": 30, "stream": true, "temperature": 0.0, "ignore_eos": true}',
  ],
  [
    ...(['sglang 0.5.23', CHAT, [...AIOHTTP, JSON_BODY]] as const),
    '{"model": "Qwen/Qwen3-0.6B", "messages": [{"role": "user", "content": "a b c"}], "max_completion_tokens": 30, "stream": true, "temperature": 0.0, "ignore_eos": true, "stream_options": {"include_usage": true}}',
  ],
  [
    ...(['llmperf f1d6bed', CHAT, REQUESTS] as const),
    '{"model": "Qwen/Qwen3-0.6B", "messages": [{"role": "system", "content": ""}, {"role": "user", "content": "a b c"}], "stream": true, "max_tokens": 29, "ignore_eos": true}',
  ],
];

export const HARNESS_REQUESTS: readonly HarnessRequest[] = recorded.map(
  ([harness, path, headers, body]) => ({ harness, path, headers, body }),
);

/** The request as it crosses the wire. */
export function wireRequest({ path, headers, body }: HarnessRequest): string {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return `POST ${path} HTTP/1.1\r\nHost: x\r\n${lines}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}
