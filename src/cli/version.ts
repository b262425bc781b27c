// The package's own version.
import { readFileSync } from 'node:fs';

const file = new URL('../../../package.json', import.meta.url);
const parsed: unknown = JSON.parse(readFileSync(file, 'utf8'));
if (typeof parsed !== 'object' || parsed === null || !('version' in parsed)) {
  throw new Error(`no version in ${file.pathname}`);
}
export const VERSION = String(parsed.version);
