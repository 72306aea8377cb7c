import { editDistance } from "./edit-distance.js";

/**
 * The known word that a slip most likely meant, or undefined when none is near: up to a third of the word's length may
 * differ, counted in letters added, removed, changed or swapped with a neighbour.
 */
export function nearestWord(word: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let max = Math.max(1, Math.floor(word.length / 3));
  for (const candidate of known) {
    const distance = editDistance(word, candidate, max);
    if (distance === undefined) continue;
    best = candidate;
    max = distance - 1; // only a nearer one is better
    if (max < 0) break;
  }
  return best;
}
