// Why a snapshot cannot be written or taken in, for people.
export class SnapshotError extends Error {}
