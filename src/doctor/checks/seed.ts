// The root of the engine's hashes is the one configured, or one that is found.
import { rootFromSeed } from '../../prefix/hash-root.js';
import { isOwnChain } from '../../prefix/own-chain.js';
import { ok, unknown, type Verdict, warning, wrong } from '../finding.js';
import type { EndpointSurvey } from '../survey.js';

export function checkSeed({ model, events }: EndpointSurvey): Verdict {
  const { after } = events;
  const settings = after?.settings ?? null;
  if (after === null || settings === null) return unknown('no event has shown it');
  if (isOwnChain(settings)) {
    return wrong(
      after.reason,
      'set PYTHONHASHSEED to the same decimal number on every engine and hashSeed to it here; vLLM 0.29 with sha256 or sha256_cbor needs neither',
    );
  }
  const { algorithm, rootHex, rootName } = settings;
  const { hashSeed } = model;
  if (hashSeed === null) {
    if (!rootName.startsWith('seed ')) return ok(rootName);
    return warning(
      `${rootName}, found by trying: the configuration has none`,
      `set hashSeed: ${rootName.slice('seed '.length)}`,
    );
  }
  if (rootFromSeed(algorithm, hashSeed).rootHex === rootHex) return ok(rootName);
  return wrong(
    `the engine's root is ${rootName}, the configuration says hashSeed ${JSON.stringify(hashSeed)}`,
    'start the engine with PYTHONHASHSEED as configured, or correct hashSeed',
  );
}
