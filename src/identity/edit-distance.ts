/** Further than any two texts are. */
const FAR = 1 << 20;

/**
 * Typing slips between two texts: insertions, deletions, substitutions and swaps of neighbours (the optimal string
 * alignment form of Damerau-Levenshtein), in UTF-16 units.
 *
 * @returns the distance, or undefined when it is over `max`.
 */
export function editDistance(a: string, b: string, max: number): number | undefined {
  if (a === b) return 0;
  if (Math.abs(a.length - b.length) > max) return undefined;
  const width = b.length + 1;
  // Three rows suffice: this one, the one before, and, for swaps, the one before that. Of each only what is at most `max` from the diagonal
  // can be part of a way that is short enough; the rest is as far as can be.
  let beforeLast = new Int32Array(width).fill(FAR);
  let last = Int32Array.from({ length: width }, (_, column) => (column <= max ? column : FAR));
  let current = new Int32Array(width).fill(FAR);
  for (let i = 1; i <= a.length; i++) {
    const from = Math.max(1, i - max);
    const to = Math.min(b.length, i + max);
    current[from - 1] = from === 1 ? i : FAR;
    let least = cell(current, from - 1);
    for (let j = from; j <= to; j++) {
      const same = a.charCodeAt(i - 1) === b.charCodeAt(j - 1);
      let distance = Math.min(cell(last, j) + 1, cell(current, j - 1) + 1, cell(last, j - 1) + (same ? 0 : 1));
      const swapped =
        i > 1 && j > 1 && a.charCodeAt(i - 1) === b.charCodeAt(j - 2) && a.charCodeAt(i - 2) === b.charCodeAt(j - 1);
      if (swapped) distance = Math.min(distance, cell(beforeLast, j - 2) + 1);
      current[j] = distance;
      if (distance < least) least = distance;
    }
    // A swap reaches back two rows, so one row over the limit is not yet the end.
    if (least > max + 1) return undefined;
    [beforeLast, last, current] = [last, current, beforeLast];
  }
  const distance = cell(last, b.length);
  return distance <= max ? distance : undefined;
}

function cell(row: Int32Array, index: number): number {
  return row[index] ?? 0; // always within the row
}
