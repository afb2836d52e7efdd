/** The durable record of what was asked and answered; a caller answers only after its line is in. */
export interface PredictionLog {
  /**
   * Takes one JSON line without its line end. Resolves when every byte is in the file (and on the disk, with
   * `fsync: group`); fails with LOG_UNWRITABLE. Lines given in one turn of the event loop share one write and
   * one promise.
   */
  append(line: string): Promise<void>;
  /** Null while lines can be written; else since when and why not. */
  readonly failure: { readonly since: number; readonly reason: string } | null;
}
