// `warmpath inspect hash`: block hashes of one sequence by hand, for comparison with an engine.
// Input has the fields of the golden vectors, output theirs again; the hashing is the router's.
import { HASH_ALGORITHMS, type HashAlgorithm } from '../native.js';
import { type BlockDigests, coarseBlocks, hashPromptFully } from '../prefix/block-hasher.js';
import type { MediaItem, PromptKeys } from '../prefix/extra-keys.js';
import {
  defaultRoot,
  givenRoot,
  type HashRoot,
  rootDigitsOf,
  rootFromSeed,
} from '../prefix/hash-root.js';
import {
  EXTRA_KEY_PROFILES,
  type ExtraKeyProfile,
  type HashSettings,
} from '../prefix/hash-settings.js';

/** A mistake in one input line: names the field and its value. */
export class InspectError extends Error {
  constructor(field: string, expected: string, value: unknown) {
    super(`${field}: expected ${expected}, got ${printed(value)}`);
    this.name = 'InspectError';
  }
}

type Fields = Readonly<Record<string, unknown>>;

const BLOCK_SIZE_MAX = 65536;
/** An int64 token id is the widest an engine can hold; JSON carries larger than 2^53 as text. */
const TOKEN_ID_MAX = 2n ** 63n - 1n;

/** One line in, one line out. Throws an InspectError. */
export function inspectHash(line: unknown): object {
  const fields = readObject(line, 'line');
  const settings = readSettings(fields);
  const tokens = readTokens(fields['token_ids']);
  const links = hashPromptFully(tokens, settings, readKeys(fields));
  const coarse = readCoarse(fields['coarse'], settings.blockSizeTokens);
  return {
    ...namedRoot(settings),
    ...namedChain(links, settings.algorithm),
    event_ints: integers(links),
    ...(coarse === null ? {} : { coarse: namedCoarse(links, coarse, settings) }),
  };
}

function readSettings(fields: Fields): HashSettings {
  const algorithm = readAlgorithm(fields);
  const profile = readProfile(fields['profile'], algorithm);
  const blockSizeTokens = readInteger(fields['block_size'], 'block_size', 1, BLOCK_SIZE_MAX);
  return { algorithm, ...readRoot(fields, algorithm), blockSizeTokens, profile };
}

/** `algo` is what the golden files call it. */
function readAlgorithm(fields: Fields): HashAlgorithm {
  const name = fields['algorithm'] ?? fields['algo'];
  const algorithm = HASH_ALGORITHMS.find((known) => known === name);
  if (algorithm === undefined) {
    throw new InspectError('algorithm', `one of ${HASH_ALGORITHMS.join(', ')}`, name);
  }
  return algorithm;
}

function readProfile(name: unknown, algorithm: HashAlgorithm): ExtraKeyProfile {
  if (isAbsent(name)) {
    return algorithm === 'sha256_cbor_64bit' ? 'v0.10.0' : 'main-2026-08-17';
  }
  const profile = EXTRA_KEY_PROFILES.find((known) => known === name);
  if (profile === undefined) {
    throw new InspectError('profile', `one of ${EXTRA_KEY_PROFILES.join(', ')}`, name);
  }
  return profile;
}

/** The seed wins: golden vectors carry its root besides. */
function readRoot(fields: Fields, algorithm: HashAlgorithm): HashRoot {
  const seed = fields['seed'];
  if (!isAbsent(seed)) return rootFromSeed(algorithm, readText(seed, 'seed'));
  const hex = fields['none_hash_hex'];
  if (!isAbsent(hex)) {
    const text = readText(hex, 'none_hash_hex').toLowerCase();
    const digits = rootDigitsOf(algorithm);
    if (!/^[0-9a-f]*$/.test(text) || !digits.includes(text.length)) {
      throw new InspectError('none_hash_hex', `${digits.join(' or ')} hex digits`, hex);
    }
    return givenRoot(text);
  }
  const integer = fields['none_hash_int'];
  if (!isAbsent(integer) && algorithm === 'sha256_cbor_64bit') {
    const value = readUnsigned(integer, 'none_hash_int', 2n ** 64n - 1n);
    return givenRoot(value.toString(16).padStart(16, '0'));
  }
  const root = defaultRoot(algorithm);
  if (root === null) {
    throw new InspectError(
      'seed',
      `a seed or none_hash_hex: ${algorithm} has no default root`,
      seed,
    );
  }
  return root;
}

function readTokens(value: unknown): Uint32Array | BigUint64Array {
  if (!Array.isArray(value)) throw new InspectError('token_ids', 'a list of integers', value);
  const ids = value.map((id: unknown, i) => readUnsigned(id, `token_ids[${i}]`, TOKEN_ID_MAX));
  return ids.some((id) => id > 0xffffffffn)
    ? BigUint64Array.from(ids)
    : Uint32Array.from(ids, Number);
}

function readKeys(fields: Fields): PromptKeys {
  const loraIntId = fields['lora_int_id'];
  const promptLength = fields['prompt_len'];
  return {
    loraName: readOptionalText(fields['lora_name'], 'lora_name'),
    loraIntId: isAbsent(loraIntId) ? null : readInteger(loraIntId, 'lora_int_id', 0),
    cacheSalt: readOptionalText(fields['cache_salt'], 'cache_salt'),
    media: readMedia(fields['mm']),
    promptTokens: isAbsent(promptLength) ? null : readInteger(promptLength, 'prompt_len', 0),
    promptEmbeds: null,
  };
}

function readMedia(value: unknown): MediaItem[] {
  if (isAbsent(value)) return [];
  if (!Array.isArray(value)) throw new InspectError('mm', 'a list of media items', value);
  const items = value.map((item: unknown, i) => {
    const fields = readObject(item, `mm[${i}]`);
    return {
      identifier: readText(fields['identifier'], `mm[${i}].identifier`),
      offset: readInteger(fields['offset'], `mm[${i}].offset`, 0),
      length: readInteger(fields['length'], `mm[${i}].length`, 0),
    };
  });
  const late = items.findIndex((item, i) => item.offset < (items[i - 1]?.offset ?? 0));
  if (late >= 0)
    throw new InspectError(`mm[${late}].offset`, 'items in order', items[late]?.offset);
  return items;
}

/** Links to a coarse block; null when none are asked for. */
function readCoarse(value: unknown, blockSizeTokens: number): number | null {
  if (isAbsent(value)) return null;
  const target = readObject(value, 'coarse')['target_block_size'];
  const size = readInteger(target, 'coarse.target_block_size', 1);
  if (size % blockSizeTokens !== 0) {
    throw new InspectError('coarse.target_block_size', `a multiple of ${blockSizeTokens}`, size);
  }
  return size / blockSizeTokens;
}

function namedRoot({ algorithm, rootHex }: HashSettings): object {
  return algorithm === 'sha256_cbor_64bit'
    ? { none_hash_hex: rootHex, none_hash_int: BigInt(`0x${rootHex}`).toString() }
    : { none_hash_hex: rootHex };
}

function namedChain(links: BlockDigests, algorithm: HashAlgorithm): object {
  return algorithm === 'sha256_cbor_64bit'
    ? { block_hashes_int: integers(links) }
    : { block_hashes_hex: hexes(links) };
}

/** Old engines concatenate the links of a coarse block; newer ones take the last. */
function namedCoarse(links: BlockDigests, linksPerBlock: number, settings: HashSettings): object {
  const rule = settings.profile === 'main-2026-08-17' ? 'last' : 'concatenated';
  const blocks = coarseBlocks(links, linksPerBlock, rule);
  return {
    target_block_size: linksPerBlock * settings.blockSizeTokens,
    hashes_hex: hexes(blocks),
    event_ints: integers(blocks),
  };
}

function integers({ hashes }: BlockDigests): string[] {
  return Array.from(hashes, String);
}

function hexes({ digests, digestBytes }: BlockDigests): string[] {
  const hex = Buffer.from(digests.buffer).toString('hex');
  const digits = 2 * digestBytes;
  return Array.from({ length: hex.length / digits }, (_, i) =>
    hex.slice(i * digits, (i + 1) * digits),
  );
}

function readObject(value: unknown, field: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InspectError(field, 'an object', value);
  }
  return Object.fromEntries(Object.entries(value));
}

function readText(value: unknown, field: string): string {
  if (typeof value !== 'string') throw new InspectError(field, 'a string', value);
  return value;
}

function readOptionalText(value: unknown, field: string): string | null {
  return isAbsent(value) ? null : readText(value, field);
}

function readInteger(
  value: unknown,
  field: string,
  min: number,
  max = Number.MAX_SAFE_INTEGER,
): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    throw new InspectError(field, `an integer from ${min} to ${max}`, value);
  }
  return value;
}

/** An integer, or one as decimal text when JSON numbers cannot hold it. */
function readUnsigned(value: unknown, field: string, max: bigint): bigint {
  const exact = typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
  const decimal = typeof value === 'string' && /^\d{1,20}$/.test(value);
  const integer = exact || decimal ? BigInt(value) : max + 1n;
  if (integer > max) throw new InspectError(field, `an integer from 0 to ${max}`, value);
  return integer;
}

function isAbsent(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}

function printed(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
