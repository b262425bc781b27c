// A stored run of blocks, as an engine announces it, seen as input of its hashes: which tokens and
// which extra keys each link of the chain covers. Events leave some of that out.
import { type ExtraKeyProfile, hashesAdapterNumber } from './hash-settings.js';
import type { PythonValue } from './python-encoder.js';

/** The fields of a decoded BlockStored that its hashes depend on. */
export interface StoredRun {
  /** Low 64 bits of the hashes, in order. */
  readonly blockHashes: BigUint64Array;
  readonly parentBlockHash: bigint | null;
  /** All tokens of the run; in sparse groups more than the listed blocks have. */
  readonly tokenIds: Uint32Array;
  readonly blockSize: number;
  readonly loraId: number | bigint | null;
  readonly loraName: string | null;
  readonly medium: string | null;
  /** One entry a block; null when the engine did not say. */
  readonly extraKeys: readonly (readonly PythonValue[] | null)[] | null;
}

/** Profiles that give a run the same keys, newest first. */
export type ProfileGroup = readonly [ExtraKeyProfile, ...ExtraKeyProfile[]];

/** Extra keys of every link, or why they cannot be known. */
export type LinkKeys =
  | { readonly keys: readonly (readonly PythonValue[] | null)[] }
  | { readonly unknown: string };

/** Whether every listed key is something vLLM can have hashed. */
export function hasOnlyHashableKeys(run: StoredRun): boolean {
  return (run.extraKeys ?? []).every((keys) => keys === null || keys.every(isHashable));
}

/** A sparse run lists only some of the blocks its tokens cover. */
export function isSparse(run: StoredRun): boolean {
  return run.tokenIds.length !== run.blockHashes.length * run.blockSize;
}

/** Profiles under which an engine may have made this run. */
export function profileGroupsOf(run: StoredRun): ProfileGroup[] {
  const byName: ProfileGroup = ['main-2026-08-17', 'pre-2026-03-20'];
  if (run.extraKeys !== null) return [listedProfiles(run, run.extraKeys), ['v0.10.0']];
  if (run.loraId === null && run.loraName === null) {
    return [[...byName, 'pre-2025-10-22'], ['v0.10.0']];
  }
  const byNumber: ProfileGroup[] = [['pre-2025-10-22'], ['v0.10.0']];
  return run.loraName === null ? byNumber : [byName, ...byNumber];
}

/** Keys of the links of a run that begins at the first block, `linksPerBlock` to a block. */
export function linkKeysOf(
  run: StoredRun,
  linksPerBlock: number,
  profile: ExtraKeyProfile,
): LinkKeys {
  const linkCount = Math.floor(run.tokenIds.length / run.blockSize) * linksPerBlock;
  if (run.extraKeys === null) {
    const lora = hashesAdapterNumber(profile) ? run.loraId : run.loraName;
    return { keys: Array(linkCount).fill(lora === null ? null : [lora]) };
  }
  if (linksPerBlock === 1 && !isSparse(run)) return { keys: run.extraKeys };
  return spreadKeys(run, run.extraKeys, linkCount);
}

/** The keys that a block completed by generated tokens was really hashed with: of several media
 * items only the last, although the event lists them all. Null when there are not several. */
export function decodeTailKeys(
  run: StoredRun,
  keys: readonly PythonValue[],
): readonly PythonValue[] | null {
  const lora = keys.filter((key) => key === run.loraName || key === run.loraId);
  const media = keys.slice(lora.length);
  return media.length < 2 ? null : [...lora, ...media.slice(-1)];
}

function listedProfiles(
  run: StoredRun,
  lists: readonly (readonly PythonValue[] | null)[],
): ProfileGroup {
  const keys = lists.flatMap((list) => list ?? []);
  if (keys.some((key) => typeof key === 'number' || typeof key === 'bigint')) {
    return ['pre-2025-10-22'];
  }
  if (keys.some((key) => Array.isArray(key))) return ['main-2026-08-17'];
  // Text that is neither adapter nor salt is a media identifier without its offset.
  const bareMedia = lists.some((list, block) => {
    const texts = (list ?? []).filter((key) => typeof key === 'string' && key !== run.loraName);
    return texts.length > (block === 0 ? 1 : 0);
  });
  return bareMedia ? ['pre-2026-03-20'] : ['main-2026-08-17', 'pre-2026-03-20'];
}

/** Keys of links when the listed blocks are not the links. The adapter is in every link and a salt
 * in the first; offsets of media and rows of embeddings cannot be shared out. */
function spreadKeys(
  run: StoredRun,
  lists: readonly (readonly PythonValue[] | null)[],
  linkCount: number,
): LinkKeys {
  const first = lists[0] ?? [];
  const lora = run.loraName !== null && first[0] === run.loraName ? [run.loraName] : [];
  const rest = first.slice(lora.length);
  const spreadable =
    rest.length <= 1 &&
    rest.every((key) => typeof key === 'string') &&
    lists.slice(1).every((list) => (list ?? []).length === lora.length);
  if (!spreadable)
    return { unknown: 'media keys of coarse or sparse blocks cannot be shared out among hashes' };
  const every = lora.length === 0 ? null : lora;
  const keys: (readonly PythonValue[] | null)[] = Array(linkCount).fill(every);
  if (first.length > 0) keys[0] = first;
  return { keys };
}

function isHashable(value: PythonValue): boolean {
  if (typeof value === 'number') return Number.isSafeInteger(value);
  if (typeof value === 'bigint') return BigInt.asIntN(65, value) === value;
  return Array.isArray(value) ? value.every(isHashable) : value !== null;
}
