export interface BackOff {
  /** Milliseconds at the most before the first try. */
  readonly firstMs: number;
  readonly longestMs: number;
}

/**
 * Milliseconds before the next try after `failed` of them: twice as long each time, and half of it by chance, so that
 * those who failed together do not come back together. `chance` is from 0 to 1.
 */
export function backOffMs({ firstMs, longestMs }: BackOff, failed: number, chance: number): number {
  return Math.min(longestMs, firstMs * 2 ** (failed - 1)) * (0.5 + chance / 2);
}
