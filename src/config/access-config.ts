// Who may use the router: keys, read from the files that the configuration names.
import type { ACCESS } from './access-schema.js';
import type { ConfigFiles } from './config-files.js';
import type { Infer, Place } from './field.js';
import { type ApiKeyEntry, digestOf, parseKeyList, parseKeys } from './key-file.js';

type AccessFile = Infer<typeof ACCESS>;

export interface AccessConfig
  extends Pick<AccessFile, 'requestsPerMinute' | 'tokensPerMinute' | 'perKey'> {
  /** null: no key is asked for. */
  readonly keys: readonly ApiKeyEntry[] | null;
  /** SHA-256 of the key of the admin port; null: none is asked for. */
  readonly adminKey: Buffer | null;
}

/** What flags and environment give; null: nothing. */
export interface AccessOverrides {
  /** Keys with commas between them, besides those of the file. */
  readonly apiKey: string | null;
  readonly adminKey: string | null;
}

/** Throws ConfigError naming file and line. */
export function readAccess(
  file: AccessFile,
  { apiKey, adminKey }: AccessOverrides,
  place: Place,
  files: ConfigFiles,
): AccessConfig {
  const { keysFile, adminKeyFile, requestsPerMinute, tokensPerMinute, perKey } = file;
  const keys: ApiKeyEntry[] = [];
  if (apiKey !== null) keys.push(...parseKeyList(apiKey, '--api-key'));
  if (keysFile !== null) {
    keys.push(...parseKeys(files.read(keysFile, place.child('keysFile').name), keysFile));
  }
  const asks = keys.length > 0;
  const limits = place.child('perKey');
  const named = new Set<string>();
  perKey.forEach(({ name }, i) => {
    const at = limits.child(i).child('name');
    if (named.has(name)) at.fail(`"${name}" is limited already`);
    if (!keys.some((key) => key.name === name)) at.warn(`no key has the name "${name}"`);
    named.add(name);
  });
  if (!asks && (requestsPerMinute !== null || tokensPerMinute !== null)) {
    place.warn('limits need keys: without keysFile nobody is limited');
  }
  const at = place.child('adminKeyFile');
  const admin =
    adminKey ?? (adminKeyFile === null ? null : files.read(adminKeyFile, at.name).trim());
  if (admin === '') at.fail(`${adminKeyFile} is empty`);
  return {
    ...{ requestsPerMinute, tokensPerMinute, perKey },
    keys: asks ? keys : null,
    adminKey: admin === null ? null : digestOf(admin),
  };
}
