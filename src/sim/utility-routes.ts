// Routes of the simulated engine beside generation: models, tokens, adapters.
import { RouterError } from '../errors.js';
import type { Exchange } from '../http/exchange.js';
import type { JsonObject } from '../json.js';
import { optionalBoolean, stringAt } from '../openai/request-fields.js';
import { parseRequestObject, shapeOf } from '../openai/request-parser.js';
import { parseTokenIds } from '../openai/token-ids.js';
import { encodePrompts } from './prepared-request.js';
import type { PromptEncoder } from './prompt-encoder.js';
import { readJsonObject } from './request-reader.js';
import type { ServedModels } from './served-models.js';

export interface UtilityService {
  readonly models: ServedModels;
  readonly encoder: PromptEncoder;
  readonly tokensPerMedium: number | null;
}

const JSON_HEADERS = [['content-type', 'application/json']] as const;
const TEXT_HEADERS = [['content-type', 'text/plain; charset=utf-8']] as const;

export function respondJson(exchange: Exchange, body: object, status = 200): void {
  exchange.respond(status, JSON_HEADERS, JSON.stringify(body));
}

/** Chat or completion form; a completion has one prompt. */
export async function tokenize(service: UtilityService, exchange: Exchange): Promise<void> {
  const { models, encoder } = service;
  const body = await readJsonObject(exchange);
  const request = parseRequestObject(shapeOf(body), body);
  models.resolve(request.model);
  const [prompt] = await encodePrompts(service, request, body);
  const ids = [...(prompt?.tokens ?? [])];
  const withTexts = optionalBoolean(body, 'return_token_strs') ?? false;
  const token_strs = withTexts ? await Promise.all(ids.map((id) => encoder.decode([id]))) : null;
  const { maxModelLen } = models;
  respondJson(exchange, { count: ids.length, max_model_len: maxModelLen, tokens: ids, token_strs });
}

/** Anthropic's question how long a prompt is. */
export async function countTokens(service: UtilityService, exchange: Exchange): Promise<void> {
  const body = await readJsonObject(exchange);
  const request = parseRequestObject('messages', body);
  service.models.resolve(request.model);
  const [prompt] = await encodePrompts(service, request, body);
  respondJson(exchange, { input_tokens: prompt?.tokens.length ?? 0 });
}

export async function detokenize(service: UtilityService, exchange: Exchange): Promise<void> {
  const body = await readJsonObject(exchange);
  const tokens = body.get('tokens');
  if (!Array.isArray(tokens)) {
    throw new RouterError('invalid_request', 'tokens: must be an array of token ids', {
      param: 'tokens',
    });
  }
  const ids = parseTokenIds(tokens, 'tokens');
  respondJson(exchange, { prompt: await service.encoder.decode([...ids]) });
}

export async function loadAdapter(service: UtilityService, exchange: Exchange): Promise<void> {
  const body = await readJsonObject(exchange);
  const name = adapterName(body);
  const path = stringAt(body.get('lora_path'), 'lora_path');
  if (!service.models.load(name, path)) {
    throw new RouterError('invalid_request', `LoRA adapter ${JSON.stringify(name)} is loaded`, {
      param: 'lora_name',
    });
  }
  exchange.respond(200, TEXT_HEADERS, `LoRA adapter ${JSON.stringify(name)} is loaded`);
}

export async function unloadAdapter(service: UtilityService, exchange: Exchange): Promise<void> {
  const name = adapterName(await readJsonObject(exchange));
  if (!service.models.unload(name)) {
    throw new RouterError('model_not_found', `there is no LoRA adapter ${JSON.stringify(name)}`, {
      param: 'lora_name',
    });
  }
  exchange.respond(200, TEXT_HEADERS, `LoRA adapter ${JSON.stringify(name)} is unloaded`);
}

function adapterName(body: JsonObject): string {
  const name = stringAt(body.get('lora_name'), 'lora_name');
  if (name !== '') return name;
  throw new RouterError('invalid_request', 'lora_name: must not be empty', { param: 'lora_name' });
}
