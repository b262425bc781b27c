// The engine hashes with the algorithm that is configured, or with one that is known.
import { HASH_ALGORITHM_NAMES } from '../../config/config-schema.js';
import { isOwnChain } from '../../prefix/own-chain.js';
import { ok, unknown, type Verdict, wrong } from '../finding.js';
import type { EndpointSurvey } from '../survey.js';

export function checkAlgorithm({ model, metrics, events }: EndpointSurvey): Verdict {
  const settings = events.after?.settings ?? null;
  const proven = settings === null || isOwnChain(settings) ? null : settings.algorithm;
  const found = proven ?? metrics?.hashAlgorithm ?? null;
  if (found === null) return unknown('no event has shown it, and the engine does not say');
  if (!HASH_ALGORITHM_NAMES.some((name) => name === found)) {
    return wrong(
      `the engine hashes with ${found}, which nobody else can compute`,
      'start it with --prefix-caching-hash-algo sha256_cbor',
    );
  }
  if (model.hashAlgorithm !== null && model.hashAlgorithm !== found) {
    return wrong(
      `the engine hashes with ${found}, the configuration says ${model.hashAlgorithm}`,
      `set hashAlgorithm: ${found}, or leave it out`,
    );
  }
  return ok(proven === null ? `${found}, as the engine says` : `${found}, proven`);
}
