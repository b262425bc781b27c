// Fetches a model's tokenizer files into a folder: node fetch-tokenizer.mjs FOLDER
// MODEL_REPOSITORY (org/name), MODEL_REVISION; HF_ENDPOINT for a mirror, HF_TOKEN for gated models.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const [folder] = process.argv.slice(2);
const { MODEL_REPOSITORY, MODEL_REVISION = 'main', HF_TOKEN } = process.env;
const { HF_ENDPOINT = 'https://huggingface.co' } = process.env;
const TRIES = 5;
const FILES = [
  { name: 'tokenizer.json', needed: true },
  { name: 'tokenizer_config.json', needed: true },
  { name: 'config.json', needed: false },
  { name: 'special_tokens_map.json', needed: false },
  { name: 'chat_template.jinja', needed: false },
];

if (folder === undefined || MODEL_REPOSITORY === undefined) {
  throw new Error('usage: MODEL_REPOSITORY=org/name node fetch-tokenizer.mjs FOLDER');
}
await mkdir(folder, { recursive: true });
for (const { name, needed } of FILES) {
  const bytes = await fetched(`${MODEL_REPOSITORY}/resolve/${MODEL_REVISION}/${name}`);
  if (bytes !== null) await writeFile(join(folder, name), bytes);
  else if (needed) throw new Error(`${MODEL_REPOSITORY} has no ${name}`);
}

/** null: the repository has no such file. */
async function fetched(path) {
  const headers = HF_TOKEN === undefined ? {} : { authorization: `Bearer ${HF_TOKEN}` };
  for (let attempt = 1; ; attempt += 1) {
    try {
      const response = await fetch(`${HF_ENDPOINT}/${path}`, { headers });
      if (response.status === 404) return null;
      if (response.ok) return new Uint8Array(await response.arrayBuffer());
      throw new Error(`${path}: ${response.status} ${response.statusText}`);
    } catch (failure) {
      // Kubernetes would start us again as well, but with a delay that grows to minutes.
      if (attempt === TRIES) throw failure;
      await new Promise((resolve) => setTimeout(resolve, 500 * 2 ** attempt));
    }
  }
}
