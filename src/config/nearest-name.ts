// "Did you mean …?": the known name with the fewest edits from a wrong one.

/** Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1];
      let edits = Math.min(
        (last[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + 1,
        (last[j - 1] ?? 0) + (same ? 0 : 1),
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        edits = Math.min(edits, (beforeLast[j - 2] ?? 0) + 1);
      }
      row.push(edits);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}

/** Names longer than this are not compared: the cost is quadratic and no known name is as long. */
const COMPARED_CHARACTERS = 80;

/** The nearest of `known`, upper and lower case alike; null when none is near. */
export function nearestName(wrong: string, known: Iterable<string>): string | null {
  if (wrong.length > COMPARED_CHARACTERS) return null;
  const lower = wrong.toLowerCase();
  let best: string | null = null;
  let bestEdits = Number.POSITIVE_INFINITY;
  for (const name of known) {
    const candidate = name.toLowerCase();
    const contained =
      Math.min(lower.length, candidate.length) >= 4 &&
      (candidate.includes(lower) || lower.includes(candidate));
    // A name that contains the other is a better guess than its length difference says.
    const edits = contained
      ? Math.min(2, editDistance(lower, candidate))
      : editDistance(lower, candidate);
    if (edits < bestEdits && edits <= Math.max(2, Math.floor(candidate.length / 3))) {
      best = name;
      bestEdits = edits;
    }
  }
  return best;
}

/** `; did you mean "x"?`, or the whole list when nothing is near and the list is short. */
export function suggestion(wrong: string, known: Iterable<string>): string {
  const names = [...known];
  const nearest = nearestName(wrong, names);
  if (nearest !== null) return `; did you mean "${nearest}"?`;
  return names.length > 0 && names.length <= 12 ? `; known: ${names.join(', ')}` : '';
}
