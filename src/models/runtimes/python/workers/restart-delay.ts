import { backOffMs } from '../../back-off.ts';

const FIRST_MS = 200;
/** A worker that had been ready may be lost to one row: the others who ask are not to wait long. */
const LONGEST_AFTER_READY_MS = 2_000;
const LONGEST_AFTER_FAILED_START_MS = 60_000;

/**
 * Milliseconds before a worker is started again, after so many ends in a row without an answered run between: none the
 * first time, then doubling, with a jitter of half.
 */
export function restartDelay(endsInARow: number, wasReady: boolean, random: () => number): number {
  if (endsInARow <= 1 && wasReady) return 0;
  const longestMs = wasReady ? LONGEST_AFTER_READY_MS : LONGEST_AFTER_FAILED_START_MS;
  return backOffMs({ firstMs: FIRST_MS, longestMs }, endsInARow, random());
}
