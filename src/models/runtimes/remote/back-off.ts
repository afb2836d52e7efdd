const FIRST_MS = 50;
const LONGEST_MS = 1_000;

/**
 * Milliseconds before the next try after `failed` of them: twice as long each time, and half of it by chance, so that
 * callers that failed together do not come back together. `chance` is from 0 to 1.
 */
export function backOffMs(failed: number, chance: number): number {
  const longest = Math.min(LONGEST_MS, FIRST_MS * 2 ** (failed - 1));
  return longest / 2 + (longest / 2) * chance;
}
