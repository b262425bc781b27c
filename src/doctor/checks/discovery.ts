// Endpoints that are not listed in the configuration are found where it says.
import type { SourceState } from '../../discovery/discovery.js';
import { ok, unknown, type Verdict, wrong } from '../finding.js';

/** null: the endpoints are listed. */
export function checkDiscovery({
  kind,
  model,
  endpoints,
  failure,
  told,
}: SourceState): Verdict | null {
  if (kind === 'static') return null;
  const source = `${kind} source of ${model}`;
  if (failure !== null) return wrong(`${source}: ${failure}`, CURES[kind]);
  if (!told) return unknown(`${source}: no answer yet`);
  if (endpoints > 0) return ok(`${source}: ${endpoints} endpoints`);
  return wrong(`${source}: there is no endpoint`, EMPTY[kind]);
}

const CURES = {
  kubernetes: 'the router may need a role that lets it list and watch pods and endpoint slices',
  dns: 'check the name, and that this machine can resolve it',
  file: 'check the path, and the file against the documentation',
} as const;
const EMPTY = {
  kubernetes: 'check namespace and selector, and that pods of it are ready',
  dns: 'check the name: it has no addresses',
  file: 'list an endpoint in the file',
} as const;
