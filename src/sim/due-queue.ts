// DueQueue: callbacks in the order in which they are due, of equal times the one that was added first.

const FIRST_LENGTH = 1024;

export class DueQueue {
  /** Of the next callback that is added: it grows with each. */
  nextOrder = 0;
  // Binary heap. Numbers and callbacks lie in arrays of their own: an object for each event costs more
  // than all else a virtual clock does.
  private size = 0;
  private times = new Float64Array(FIRST_LENGTH);
  private orders = new Float64Array(FIRST_LENGTH);
  private readonly callbacks: (() => void)[] = [];

  /** When the first is due; infinity: there is none. */
  get firstUs(): number {
    return this.size === 0 ? Number.POSITIVE_INFINITY : (this.times[0] ?? 0);
  }

  get firstOrder(): number {
    return this.orders[0] ?? 0;
  }

  add(timeUs: number, callback: () => void): void {
    if (this.size === this.times.length) this.grow();
    const { times, orders, callbacks } = this;
    let child = this.size;
    this.size += 1;
    // The newest has the highest order: it passes only what is later.
    while (child > 0) {
      const parent = (child - 1) >> 1;
      const above = times[parent] ?? 0;
      if (above <= timeUs) break;
      times[child] = above;
      orders[child] = orders[parent] ?? 0;
      callbacks[child] = callbacks[parent] ?? callback;
      child = parent;
    }
    times[child] = timeUs;
    orders[child] = this.nextOrder;
    callbacks[child] = callback;
    this.nextOrder += 1;
  }

  removeFirst(): (() => void) | undefined {
    if (this.size === 0) return undefined;
    const { times, orders, callbacks } = this;
    const first = callbacks[0];
    this.size -= 1;
    const { size } = this;
    const time = times[size] ?? 0;
    const order = orders[size] ?? 0;
    const callback = callbacks.pop();
    if (size === 0 || callback === undefined) return first;
    let parent = 0;
    for (;;) {
      let child = parent * 2 + 1;
      if (child >= size) break;
      const right = child + 1;
      if (right < size && this.isBefore(right, times[child] ?? 0, orders[child] ?? 0)) {
        child = right;
      }
      if (!this.isBefore(child, time, order)) break;
      times[parent] = times[child] ?? 0;
      orders[parent] = orders[child] ?? 0;
      callbacks[parent] = callbacks[child] ?? callback;
      parent = child;
    }
    times[parent] = time;
    orders[parent] = order;
    callbacks[parent] = callback;
    return first;
  }

  clear(): void {
    this.size = 0;
    this.callbacks.length = 0;
  }

  private isBefore(entry: number, time: number, order: number): boolean {
    const own = this.times[entry] ?? 0;
    return own < time || (own === time && (this.orders[entry] ?? 0) < order);
  }

  private grow(): void {
    const { times, orders } = this;
    this.times = new Float64Array(times.length * 2);
    this.times.set(times);
    this.orders = new Float64Array(orders.length * 2);
    this.orders.set(orders);
  }
}
