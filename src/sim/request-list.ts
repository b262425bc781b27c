// RequestList: a list that is filled and emptied at every step, and keeps its memory. An array that is cut
// to nothing would be allocated anew each time.

export class RequestList<Request> {
  size = 0;
  private readonly requests: Request[] = [];

  /** REQUIRES: below the size. */
  at(place: number): Request {
    const request = this.requests[place];
    if (request === undefined) throw new RangeError(`a list of ${this.size} has no place ${place}`);
    return request;
  }

  /** REQUIRES: below the size. */
  set(place: number, request: Request): void {
    this.requests[place] = request;
  }

  add(request: Request): void {
    this.requests[this.size] = request;
    this.size += 1;
  }

  /** Only the first `size` stay. */
  cut(size: number): void {
    this.size = size;
  }

  clear(): void {
    this.size = 0;
  }
}
