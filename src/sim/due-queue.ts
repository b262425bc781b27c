// DueQueue: callbacks in the order in which they are due.

export interface Due {
  readonly timeUs: number;
  /** Grows with every callback that is added. */
  readonly order: number;
  readonly callback: () => void;
}

export class DueQueue {
  private order = 0;
  // Binary heap, the earliest first.
  private readonly heap: Due[] = [];

  get first(): Due | undefined {
    return this.heap[0];
  }

  /** Order of the next callback that is added. */
  get nextOrder(): number {
    return this.order;
  }

  add(timeUs: number, callback: () => void): void {
    const due = { timeUs, order: this.order, callback };
    this.order += 1;
    const heap = this.heap;
    let child = heap.length;
    heap.push(due);
    while (child > 0) {
      const parent = (child - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || isBefore(above, due)) break;
      heap[child] = above;
      child = parent;
    }
    heap[child] = due;
  }

  removeFirst(): void {
    const heap = this.heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let parent = 0;
    for (;;) {
      const left = parent * 2 + 1;
      const [first, second] = [heap[left], heap[left + 1]];
      if (first === undefined) break;
      const child = second !== undefined && isBefore(second, first) ? left + 1 : left;
      const below = child === left ? first : second;
      if (below === undefined || isBefore(last, below)) break;
      heap[parent] = below;
      parent = child;
    }
    heap[parent] = last;
  }

  clear(): void {
    this.heap.length = 0;
  }
}

function isBefore(a: Due, b: Due): boolean {
  return a.timeUs < b.timeUs || (a.timeUs === b.timeUs && a.order < b.order);
}
