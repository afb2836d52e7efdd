import type { Worker } from 'node:worker_threads';
import { AppError } from '../kernel/errors.ts';
import { writeWhole } from '../kernel/whole-file.ts';
import { CheckedBatches } from '../models/transforms/checked-batches.ts';
import { inColumns, type TrainingColumns, type TrainingRows } from '../models/transforms/column-batch.ts';
import { compileTransform } from '../models/transforms/compile.ts';
import type { EncodingJob } from '../models/transforms/encoding-job.ts';
import { TableFile } from './duckdb/table-file.ts';
import { JsonLines } from './json-lines.ts';
import { sinkFor } from './open-sink.ts';
import type { RowSink } from './row-sink.ts';
import { ThreadSink } from './thread-sink.ts';

/** A file of rows by its ending: CSV and Parquet by DuckDB, which is loaded when they are read; anything else is JSON Lines. */
export function openDataFile(file: string): TrainingRows | TrainingColumns {
  return /\.(csv|parquet)$/.test(file) ? new TableFile(file) : new JsonLines(file);
}

/**
 * Encodes every row of a file into another, which is written by `thread` where there is one; answers with the number of
 * rows. INPUT_INVALID names the rows that do not fit.
 */
export async function encodeDataFile(job: EncodingJob, thread?: () => Worker): Promise<number> {
  const { columns } = compileTransform(job.spec);
  const open = sinkFor(job.to);
  const twice = job.keep.filter((name, i) => columns.includes(name) || job.keep.indexOf(name) !== i);
  if (twice.length > 0)
    throw new AppError('ARGUMENT_INVALID', `--keep: there would be two columns called ${twice.join(', ')}`);
  return writeWhole(job.to, async (part) => {
    const worker = thread?.();
    try {
      const sink = await (worker === undefined
        ? open(part, columns, job.keep)
        : ThreadSink.open(worker, job.to, [part, columns, job.keep]));
      try {
        return await encodeRows(job, sink);
      } finally {
        await sink.close();
      }
    } finally {
      await worker?.terminate();
    }
  });
}

async function encodeRows(
  { spec, from, keep, onProgress, signal }: EncodingJob,
  sink: RowSink,
): Promise<number> {
  const { columns, encodeColumns } = compileTransform(spec);
  const data = inColumns(openDataFile(from));
  const checked = new CheckedBatches(spec);
  let matrix = new Float32Array();
  for await (const batch of data.batches({ ...spec, keep: { names: keep, as: sink.keptAs } })) {
    signal?.throwIfAborted();
    checked.see(batch);
    onProgress(checked.rows, data.share?.() ?? null);
    if (checked.wrong > 0) continue;
    const size = batch.count * columns.length;
    if (matrix.length < size) matrix = new Float32Array(size);
    encodeColumns(batch.columns, batch.count, matrix);
    await sink.write(batch, matrix.subarray(0, size));
  }
  checked.refuse(from);
  await sink.end();
  return checked.rows;
}
