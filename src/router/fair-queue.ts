// A queue in which owners take turns, so that one with a thousand entries does not keep the others
// waiting; lower priorities come first, whoever owns them.

export interface QueueEntry {
  readonly owner: string;
  readonly priority: number;
}

interface Level<T> {
  readonly priority: number;
  /** Owners in the order of their turns, each with its entries, oldest first. None is empty. */
  readonly turns: Map<string, T[]>;
}

export class FairQueue<T extends QueueEntry> {
  /** Lowest number first. None is empty. */
  readonly #levels: Level<T>[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(entry: T): void {
    const level = this.#level(entry.priority);
    const entries = level.turns.get(entry.owner);
    if (entries === undefined) level.turns.set(entry.owner, [entry]);
    else entries.push(entry);
    this.#size += 1;
  }

  shift(): T | undefined {
    const [level] = this.#levels;
    if (level === undefined) return undefined;
    for (const [owner, entries] of level.turns) {
      const entry = entries.shift();
      level.turns.delete(owner);
      if (entries.length > 0) level.turns.set(owner, entries);
      this.#dropIfEmpty(level);
      this.#size -= 1;
      return entry;
    }
    return undefined;
  }

  /** Nothing happens when it is not there. */
  remove(entry: T): void {
    const level = this.#levels.find(({ priority }) => priority === entry.priority);
    const entries = level?.turns.get(entry.owner);
    const at = entries?.indexOf(entry) ?? -1;
    if (level === undefined || entries === undefined || at === -1) return;
    entries.splice(at, 1);
    if (entries.length === 0) level.turns.delete(entry.owner);
    this.#dropIfEmpty(level);
    this.#size -= 1;
  }

  #level(priority: number): Level<T> {
    const at = this.#levels.findIndex((level) => level.priority >= priority);
    const found = at === -1 ? undefined : this.#levels[at];
    if (found?.priority === priority) return found;
    const level = { priority, turns: new Map<string, T[]>() };
    this.#levels.splice(at === -1 ? this.#levels.length : at, 0, level);
    return level;
  }

  #dropIfEmpty(level: Level<T>): void {
    if (level.turns.size === 0) this.#levels.splice(this.#levels.indexOf(level), 1);
  }
}
