// The hash settings of blocks that are keyed by their token ids alone: for engines whose own hashes
// cannot be reproduced, and for engines without events.
import { rootFromSeed } from './hash-root.js';
import type { HashSettings } from './hash-settings.js';

const ROOT_NAME = 'own chain';

export function isOwnChain({ rootName }: HashSettings): boolean {
  return rootName === ROOT_NAME;
}

export function ownChain(blockSizeTokens: number): HashSettings {
  return {
    algorithm: 'sha256_cbor',
    rootHex: rootFromSeed('sha256_cbor', 'warmpath').rootHex,
    rootName: ROOT_NAME,
    blockSizeTokens,
    profile: 'main-2026-08-17',
  };
}
