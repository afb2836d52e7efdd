import type { TransformSpec } from './spec.ts';

/** Every row of a file to be encoded by a fitted transform into another file. */
export interface EncodingJob {
  readonly spec: TransformSpec;
  /** `.csv`, `.parquet` or JSON Lines. */
  readonly from: string;
  /** `.csv`, `.parquet` or `.jsonl`; replaced when the new one is whole. */
  readonly to: string;
  /** Columns of the data that are carried along, behind those of the transform. */
  readonly keep: readonly string[];
  /** Rows that were encoded so far, and their share of the file, 0 to 1, or null where that is not known. */
  onProgress(rows: number, share: number | null): void;
  /** Ends the work; nothing is left of the new file. */
  readonly signal?: AbortSignal;
}
