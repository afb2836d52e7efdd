/** What one version has done since the process started; times are sums of milliseconds. */
export class VersionTally {
  /** Requests that got an answer for at least one row. */
  succeeded = 0;
  succeededMs = 0;
  failed = 0;
  failedMs = 0;
  /** Rows that were answered. */
  rows = 0;
  /** Runs of the model. */
  runs = 0;
  /** Requests that went through the queue, how long their rows waited, and how long they ran. */
  inferred = 0;
  queueMs = 0;
  inferenceMs = 0;
  /** Unix milliseconds of the last answer; 0 when there was none. */
  lastAnswer = 0;

  answered(rows: number, elapsedMs: number, now: number): void {
    if (rows === 0) {
      this.failed++;
      this.failedMs += elapsedMs;
      return;
    }
    this.succeeded++;
    this.succeededMs += elapsedMs;
    this.rows += rows;
    this.lastAnswer = now;
  }

  ran(queueMs: number, inferenceMs: number): void {
    this.inferred++;
    this.queueMs += queueMs;
    this.inferenceMs += inferenceMs;
  }
}
