// KubeCollection: objects of one kind as lists and watch events have told them, newest version of each.
import { isNewer } from './resource-version.js';

/** What every object of the API carries. */
export interface ObjectMeta {
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
}

export interface KubeObject<T> {
  readonly meta: ObjectMeta;
  readonly value: T;
}

export type WatchChange = 'ADDED' | 'MODIFIED' | 'DELETED';

export class KubeCollection<T> {
  #objects = new Map<string, KubeObject<T>>();
  /** Version at which a name was deleted, until the next list: an older event must not bring it back. */
  readonly #deleted = new Map<string, string>();

  get values(): readonly T[] {
    return [...this.#objects.values()].map(({ value }) => value);
  }

  /** A list is the whole truth of its moment. */
  replace(objects: readonly KubeObject<T>[]): void {
    this.#objects = new Map(objects.map((object) => [object.meta.name, object]));
    this.#deleted.clear();
  }

  /** Says whether anything changed: an event that came twice, or late, does nothing. */
  apply(change: WatchChange, object: KubeObject<T>): boolean {
    const { name, resourceVersion } = object.meta;
    const known = this.#objects.get(name)?.meta.resourceVersion ?? this.#deleted.get(name);
    if (known !== undefined && !isNewer(resourceVersion, known)) return false;
    if (change !== 'DELETED') {
      this.#objects.set(name, object);
      this.#deleted.delete(name);
      return true;
    }
    this.#deleted.set(name, resourceVersion);
    return this.#objects.delete(name);
  }
}
