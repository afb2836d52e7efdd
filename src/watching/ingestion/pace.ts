/** Parts of rest to one part of work while the process has no core to spare. */
const REST = 9;
const LONGEST_REST_MS = 100;
/** Past this ingestion works through: what is behind has to be read again by somebody, and takes room on the disk. */
const MOST_LAG_BYTES = 64 << 20;

/**
 * Ingestion gives way to the threads that answer: while they need every core it works a tenth of the time and lets the
 * log grow, and it catches up afterwards.
 */
export class Pace {
  /** Whether the threads that answer have more to do than they can. */
  isPressed = false;

  /** Milliseconds to rest after so many of work, with so much of the log still to read. */
  restAfter(workedMs: number, lagBytes: number): number {
    if (!this.isPressed || lagBytes > MOST_LAG_BYTES) return 0;
    return Math.min(LONGEST_REST_MS, workedMs * REST);
  }
}
