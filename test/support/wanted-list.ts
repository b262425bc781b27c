// A listener that keeps what a source of endpoints has told.
import type { SourceListener } from '../../src/discovery/endpoint-source.js';
import type { WantedEndpoint } from '../../src/endpoint/endpoint.js';

export class WantedList implements SourceListener {
  readonly lists: (readonly WantedEndpoint[])[] = [];
  readonly failures: string[] = [];

  list(endpoints: readonly WantedEndpoint[]): void {
    this.lists.push(endpoints);
  }

  failed(reason: string): void {
    this.failures.push(reason);
  }

  get last(): readonly WantedEndpoint[] {
    return this.lists.at(-1) ?? [];
  }

  /** Names as last told, `name!` for one that drains, in order. */
  get names(): string {
    return this.last.map(({ name, draining }) => `${name}${draining ? '!' : ''}`).join(' ');
  }
}
