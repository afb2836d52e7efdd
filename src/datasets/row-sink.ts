import type { ColumnBatch, KeptAs } from '../models/transforms/column-batch.ts';

export type Rows = Pick<ColumnBatch, 'count' | 'kept'>;

/** Where encoded rows go: a file that is whole after `end`. */
export interface RowSink {
  readonly keptAs: KeptAs;
  /** `matrix` holds their vectors one after the other, and is used again after this. */
  write(rows: Rows, matrix: Float32Array): Promise<void>;
  end(): Promise<void>;
  close(): Promise<void>;
}

/** `made` are the columns of the transform, `kept` those that are carried along behind them. */
export type OpenSink = (file: string, made: readonly string[], kept: readonly string[]) => Promise<RowSink>;
