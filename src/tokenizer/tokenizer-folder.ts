// A model's tokenizer folder, in the layout of a Hugging Face repository.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ConfigError } from '../errors.js';
import {
  isArray,
  isObject,
  type Json,
  type JsonObject,
  JsonSyntaxError,
  parseJson,
} from '../json.js';

export interface TokenizerFolder {
  readonly path: string;
  readonly tokenizerFile: string;
  /** Template source by name; `default` is the one without a name. */
  readonly chatTemplates: ReadonlyMap<string, string>;
  /** `bos_token` and the like, as templates see them. */
  readonly specialTokens: JsonObject;
  /** The engine's tokenizer class adds these itself, whatever tokenizer.json says; null: it does
   * not. */
  readonly addedTokens: { readonly bos: string | null; readonly eos: string | null } | null;
  /** `model_type` of config.json; null when there is no such file. */
  readonly modelType: string | null;
}

const SPECIAL_TOKENS = [
  'bos_token',
  'eos_token',
  'unk_token',
  'sep_token',
  'pad_token',
  'cls_token',
  'mask_token',
  'additional_special_tokens',
] as const;

/** Classes whose constructor rebuilds the post-processor from add_bos_token and add_eos_token. */
const SELF_ADDING_CLASSES = /^(Llama|CodeLlama|Gemma|Cohere)Tokenizer(Fast)?$/;
const CURE = 'download tokenizer.json and tokenizer_config.json of the model into one folder';

/** Throws ConfigError that says which file is missing or wrong. */
export function readTokenizerFolder(path: string): TokenizerFolder {
  if (!isFolder(path)) {
    throw new ConfigError(
      `tokenizer: there is no folder ${path}: ${CURE} and name it, or name its repository: hf://org/repo`,
    );
  }
  const tokenizerFile = join(path, 'tokenizer.json');
  if (!existsSync(tokenizerFile)) {
    throw new ConfigError(`tokenizer: ${path} has no tokenizer.json: ${CURE}`);
  }
  const configFile = join(path, 'tokenizer_config.json');
  if (!existsSync(configFile)) {
    throw new ConfigError(`tokenizer: ${path} has no tokenizer_config.json: ${CURE}`);
  }
  const config = readJsonObject(configFile);
  const legacy = readOptionalObject(join(path, 'special_tokens_map.json'));
  const modelType = readOptionalObject(join(path, 'config.json'))?.get('model_type');
  return {
    path,
    tokenizerFile,
    chatTemplates: readChatTemplates(path, config),
    specialTokens: readSpecialTokens(config, legacy),
    addedTokens: readAddedTokens(config),
    modelType: typeof modelType === 'string' ? modelType : null,
  };
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function readJsonObject(file: string): JsonObject {
  try {
    const value = parseJson(readFileSync(file, 'utf8'));
    if (isObject(value)) return value;
    throw new ConfigError(`tokenizer: ${file} is not a JSON object`);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    throw new ConfigError(`tokenizer: ${file} is not valid JSON: ${error.message}`);
  }
}

function readOptionalObject(file: string): JsonObject | null {
  return existsSync(file) ? readJsonObject(file) : null;
}

/** Files win over tokenizer_config.json, as in transformers. */
function readChatTemplates(path: string, config: JsonObject): Map<string, string> {
  const templates = new Map<string, string>();
  const configured = config.get('chat_template');
  if (typeof configured === 'string') templates.set('default', configured);
  for (const entry of isArray(configured) ? configured : []) {
    if (!isObject(entry)) continue;
    const [name, template] = [entry.get('name'), entry.get('template')];
    if (typeof name === 'string' && typeof template === 'string') templates.set(name, template);
  }
  const main = join(path, 'chat_template.jinja');
  if (existsSync(main)) templates.set('default', readFileSync(main, 'utf8'));
  const others = join(path, 'additional_chat_templates');
  for (const file of isFolder(others) ? readdirSync(others) : []) {
    if (!file.endsWith('.jinja')) continue;
    templates.set(basename(file, '.jinja'), readFileSync(join(others, file), 'utf8'));
  }
  return templates;
}

function readSpecialTokens(config: JsonObject, legacy: JsonObject | null): JsonObject {
  const tokens = new Map<string, Json>();
  for (const name of SPECIAL_TOKENS) {
    const value = config.has(name) ? config.get(name) : legacy?.get(name);
    const token = isArray(value) ? value.map(tokenText) : tokenText(value ?? null);
    if (token !== null && token !== '') tokens.set(name, token);
  }
  return tokens;
}

/** A token is a text, or an object with its text in `content`. */
function tokenText(value: Json): Json {
  return isObject(value) ? (value.get('content') ?? null) : value;
}

function readAddedTokens(config: JsonObject): TokenizerFolder['addedTokens'] {
  const tokenizerClass = config.get('tokenizer_class');
  if (typeof tokenizerClass !== 'string' || !SELF_ADDING_CLASSES.test(tokenizerClass)) return null;
  const [bos, eos] = [config.get('bos_token'), config.get('eos_token')].map((token) => {
    const text = tokenText(token ?? null);
    return typeof text === 'string' ? text : null;
  });
  return {
    bos: config.get('add_bos_token') === false ? null : (bos ?? null),
    eos: config.get('add_eos_token') === true ? (eos ?? null) : null,
  };
}
