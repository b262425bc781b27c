// Addresses of an event publisher, by vLLM's rules (VLLM.md 3.6).
import { ConfigError } from '../errors.js';

/** Whether vLLM's PUB socket binds the address; otherwise it connects to it. */
export function isBindAddress(address: string): boolean {
  return (
    address.includes('*') ||
    address.includes('::') ||
    address.startsWith('ipc://') ||
    address.startsWith('inproc://')
  );
}

/** Each data-parallel rank has its own port. A port `*` stays: the system picks a free one. */
export function addressOfRank(address: string, rank: number): string {
  if (rank === 0) return address;
  if (address.startsWith('inproc://')) return `${address}_dp${rank}`;
  const colon = address.lastIndexOf(':');
  if (!address.startsWith('tcp://') || colon < 'tcp://'.length) {
    throw new ConfigError(`data-parallel rank ${rank} needs a tcp address with a port: ${address}`);
  }
  const port = address.slice(colon + 1);
  if (port === '*') return address;
  if (!/^\d{1,5}$/.test(port)) throw new ConfigError(`no port in event address ${address}`);
  return `${address.slice(0, colon)}:${Number(port) + rank}`;
}

/** Where a client on this machine reaches what was bound. */
export function reachableAddress(bound: string): string {
  return bound.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:');
}
