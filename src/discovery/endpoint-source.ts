// EndpointSource: whoever knows the endpoints of a model and tells when they change.
import type { WantedEndpoint } from '../endpoint/endpoint.js';

export interface SourceListener {
  /** All endpoints there are now; told again whenever the source has made sure of them. */
  list(endpoints: readonly WantedEndpoint[]): void;
  /** The source cannot be read at the moment: what it said last holds. One sentence. */
  failed(reason: string): void;
}

export interface EndpointSource {
  /** Nothing is told afterwards. */
  close(): void;
}
