// Request bodies parsed from literals, for tests of the parsers.
import assert from 'node:assert/strict';
import type { InferenceRequest, RequestShape } from '../../src/inference-request.js';
import { parseRequest } from '../../src/openai/request-parser.js';
import { bytesOf } from './qwen3.js';

export function parsed(shape: RequestShape, body: unknown): InferenceRequest {
  return parseRequest(shape, bytesOf(body));
}

/** Both bodies give the same prompt, limits and hash keys. */
export function assertSamePrompt(shape: RequestShape, body: unknown, chat: unknown): void {
  assert.deepEqual(parsed(shape, body), parsed('chat', chat));
}

/** The request is understood, but its prompt is left to the engine. */
export function assertUnknownPrompt(shape: RequestShape, body: unknown): void {
  const request = parsed(shape, body);
  assert.equal(request.kind, 'completion');
  assert.ok(request.kind === 'completion');
  assert.deepEqual(request.prompts, []);
}
