// Booking: the router's own count of what it has sent and not seen ended, exact to the request.

/** Releases exactly what was booked, each part once, in whatever order and however often it is told. */
export interface Booking {
  /** The answer began: the prompt is computed. */
  firstToken(): void;
  /** The request is over: done, failed, cancelled or timed out. */
  end(): void;
}

/** Where the counts are kept. A row belongs to one endpoint: another endpoint in the same slot has
 * another row, so late releases never touch it. */
export interface BookingRow {
  inflightRequests: number;
  inflightTokens: number;
}

/** Adds one request and its uncached prompt tokens to `row` at once. */
export function book(row: BookingRow, uncachedTokens: number): Booking {
  // Whole numbers, so that any order of additions and releases comes back to exactly 0.
  const tokens = uncachedTokens > 0 ? Math.round(uncachedTokens) : 0;
  row.inflightRequests += 1;
  row.inflightTokens += tokens;
  let computing = true;
  let open = true;
  const firstToken = () => {
    if (!computing) return;
    computing = false;
    row.inflightTokens -= tokens;
  };
  return {
    firstToken,
    end() {
      firstToken();
      if (!open) return;
      open = false;
      row.inflightRequests -= 1;
    },
  };
}
