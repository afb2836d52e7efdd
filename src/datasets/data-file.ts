import { AppError } from '../kernel/errors.ts';
import { writeWhole } from '../kernel/whole-file.ts';
import { CheckedBatches } from '../models/transforms/checked-batches.ts';
import { inColumns, type TrainingColumns, type TrainingRows } from '../models/transforms/column-batch.ts';
import { compileTransform } from '../models/transforms/compile.ts';
import type { EncodingJob } from '../models/transforms/encoding-job.ts';
import { TableFile } from './duckdb/table-file.ts';
import { JsonLines } from './json-lines.ts';
import { openParquet } from './parquet-sink.ts';
import type { RowSink } from './row-sink.ts';
import { openCsv, openJsonLines } from './text-sink.ts';

const SINKS = { '.csv': openCsv, '.jsonl': openJsonLines, '.parquet': openParquet } as const;

/** A file of rows by its ending: CSV and Parquet by DuckDB, which is loaded when they are read; anything else is JSON Lines. */
export function openDataFile(file: string): TrainingRows | TrainingColumns {
  return /\.(csv|parquet)$/.test(file) ? new TableFile(file) : new JsonLines(file);
}

/** Encodes every row of a file into another; answers with the number of rows. INPUT_INVALID names the rows that do not fit. */
export async function encodeDataFile(job: EncodingJob): Promise<number> {
  const { columns } = compileTransform(job.spec);
  const [ending] = /\.[a-z]+$/.exec(job.to) ?? [];
  if (ending === undefined || !Object.hasOwn(SINKS, ending))
    throw new AppError(
      'ARGUMENT_INVALID',
      `${job.to}: columns are written as ${Object.keys(SINKS).join(', ')}`,
    );
  const twice = job.keep.filter((name, i) => columns.includes(name) || job.keep.indexOf(name) !== i);
  if (twice.length > 0)
    throw new AppError('ARGUMENT_INVALID', `--keep: there would be two columns called ${twice.join(', ')}`);
  return writeWhole(job.to, async (part) => {
    const sink = await SINKS[ending as keyof typeof SINKS](part, columns, job.keep);
    try {
      return await encodeRows(job, sink);
    } finally {
      await sink.close();
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
    await sink.write(batch, matrix);
  }
  checked.refuse(from);
  await sink.end();
  return checked.rows;
}
