// Order of resource versions. Kubernetes has called them opaque for long, yet every API server of its
// own counts with them, and since 1.35 they are promised to be numbers that grow.

/** Whether `version` is later than `known`. What is no number counts as later: the watch's own order is
 * then all there is. */
export function isNewer(version: string, known: string): boolean {
  if (!/^\d+$/.test(version) || !/^\d+$/.test(known)) return version !== known;
  if (version.length !== known.length) return version.length > known.length;
  return version > known;
}
