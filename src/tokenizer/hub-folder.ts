// A tokenizer named by its repository on the Hugging Face hub: hf://org/repo@revision.
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { ConfigError } from '../errors.js';
import { log } from '../log.js';

type Environment = Readonly<Record<string, string | undefined>>;

const REFERENCE = /^hf:\/\/(\w[\w.-]*\/\w[\w.-]*)(?:@(\w[\w./-]*))?$/;
const COMMIT = /^[0-9a-f]{40}$/;
const NEEDED = ['tokenizer.json', 'tokenizer_config.json'];
const FILES = [...NEEDED, 'config.json', 'special_tokens_map.json', 'chat_template.jinja'];
const FILE_BYTES_MAX = 256 * 2 ** 20;
const FILE_MS = 120_000;

/** A branch is looked up once a process: a reload does not change a model's tokens unasked. */
const known = new Map<string, Promise<string>>();

export function isHubReference(tokenizer: string): boolean {
  return tokenizer.startsWith('hf://');
}

/** The folder with the repository's files, fetched unless they are here. Where the hub does not answer
 * it is what was fetched before, by us or by an engine of this machine. Rejects with ConfigError.
 * HF_ENDPOINT, HF_TOKEN, HF_HOME and HF_HUB_CACHE mean what they mean to vLLM. */
export function hubFolder(reference: string, environment: Environment = process.env) {
  const folder = known.get(reference) ?? findFolder(reference, environment);
  known.set(reference, folder);
  folder.catch(() => known.delete(reference));
  return folder;
}

async function findFolder(reference: string, environment: Environment): Promise<string> {
  const [, repository, revision = 'main'] = REFERENCE.exec(reference) ?? [];
  if (repository === undefined) {
    throw new ConfigError(`tokenizer: ${reference} is not hf://org/repo or hf://org/repo@revision`);
  }
  const home = environment['HF_HOME'] ?? join(homedir(), '.cache', 'huggingface');
  const name = `${repository}@${revision}`.replaceAll('/', '--');
  const folder = join(home, 'warmpath', name);
  if (COMMIT.test(revision) && isComplete(folder)) return folder;
  try {
    await fetchFiles({ repository, revision, folder, environment });
    return folder;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const cache = environment['HF_HUB_CACHE'] ?? join(home, 'hub');
    const snapshot = await engineSnapshot(cache, repository, revision);
    const earlier = [folder, snapshot].find((place) => place !== null && isComplete(place)) ?? null;
    if (earlier === null) {
      throw new ConfigError(
        `tokenizer: ${reference} cannot be fetched: ${reason}; ` +
          'HF_TOKEN for a gated model, HF_ENDPOINT for a mirror, HF_HOME for where to keep it, or name a folder',
      );
    }
    log.warn('tokenizer not fetched: the files of before are used', {
      ...{ tokenizer: reference, folder: earlier, reason },
    });
    return earlier;
  }
}

/** What huggingface_hub has fetched for an engine on this machine, if it did. */
async function engineSnapshot(cache: string, repository: string, revision: string) {
  const place = join(cache, `models--${repository.replace('/', '--')}`);
  const ref = join(place, 'refs', revision);
  const commit = existsSync(ref) ? (await readFile(ref, 'utf8')).trim() : revision;
  return /^\w+$/.test(commit) ? join(place, 'snapshots', commit) : null;
}

function isComplete(folder: string): boolean {
  return NEEDED.every((file) => existsSync(join(folder, file)));
}

interface Wanted {
  readonly repository: string;
  readonly revision: string;
  readonly folder: string;
  readonly environment: Environment;
}

/** The folder is replaced only by one that is whole. */
async function fetchFiles({ repository, revision, folder, environment }: Wanted): Promise<void> {
  const hub = (environment['HF_ENDPOINT'] ?? 'https://huggingface.co').replace(/\/+$/, '');
  const base = `${hub}/${repository}/resolve/${encodeURIComponent(revision)}`;
  const token = environment['HF_TOKEN'];
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const unfinished = `${folder}.${process.pid}`;
  await mkdir(dirname(folder), { recursive: true });
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished);
  try {
    for (const file of FILES) {
      const url = `${base}/${file}`;
      const response = await fetch(url, { headers, signal: AbortSignal.timeout(FILE_MS) }).catch(
        (error: unknown) => {
          throw new Error(`${url}: ${failureOf(error)}`);
        },
      );
      if (response.status === 404 && !NEEDED.includes(file)) continue;
      if (!response.ok) throw new Error(`${url} answers ${response.status}`);
      await writeFile(join(unfinished, file), bounded(response));
    }
    await rm(folder, { recursive: true, force: true });
    await rename(unfinished, folder);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

async function* bounded({ body, url }: Response): AsyncIterable<Uint8Array> {
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.length;
    if (size > FILE_BYTES_MAX) throw new Error(`${url} is larger than ${FILE_BYTES_MAX} bytes`);
    yield chunk;
  }
}

/** fetch says "fetch failed" and keeps the reason behind it. */
function failureOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
