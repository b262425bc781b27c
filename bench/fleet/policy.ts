// FleetPolicy: one way to choose an engine, as a router would run it.

import type { PeerLoad } from '../../src/endpoint/endpoint.js';
import type { FleetObserver, VirtualFleet } from '../../src/sim/virtual-fleet.js';

/** What a policy sees of a request. */
export interface FleetRequest {
  readonly session: number | null;
  readonly promptTokens: number;
  /** Hashes of the prompt's full blocks. */
  readonly hashes: BigUint64Array;
}

/** A request given to an engine. `end` is called exactly once, `firstToken` before it or never. */
export interface Placement {
  readonly slot: number;
  firstToken(): void;
  /** False: the engine lost it before it was answered in full. */
  end(succeeded: boolean): void;
}

export interface FleetPolicy extends FleetObserver {
  /** REQUIRES: at least one slot. */
  place(request: FleetRequest, slots: readonly number[]): Placement;
  /** Whether everything placed has been given back. */
  readonly isIdle: boolean;
  close?(): void;
  /** Both or neither: what it has in flight, and what other replicas have in sum. Without them replicas
   * know nothing of each other. */
  ownLoad?(slot: number): PeerLoad;
  hearPeers?(slot: number, load: PeerLoad): void;
}

export interface PolicySetting {
  readonly fleet: VirtualFleet;
  readonly blockSizeTokens: number;
  /** Blocks that guessing policies believe an engine's cache to hold. */
  readonly assumedBlocks: number;
  /** Prompt tokens a second of an unloaded engine, for policies that must be told. */
  readonly prefillTokensPerSecond: number;
  readonly random: () => number;
}

export interface PolicyKind {
  readonly name: string;
  /** One sentence with the formula and where it comes from. */
  readonly about: string;
  create(setting: PolicySetting): FleetPolicy;
}
