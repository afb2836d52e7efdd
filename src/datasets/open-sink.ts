import { AppError } from '../kernel/errors.ts';
import { openParquet } from './parquet-sink.ts';
import type { OpenSink } from './row-sink.ts';
import { openCsv, openJsonLines } from './text-sink.ts';

const SINKS: Readonly<Record<string, OpenSink>> = {
  '.csv': openCsv,
  '.jsonl': openJsonLines,
  '.parquet': openParquet,
};

/** How a file is written, by its ending; ARGUMENT_INVALID for another. */
export function sinkFor(file: string): OpenSink {
  const [ending = ''] = /\.[a-z]+$/.exec(file) ?? [];
  const open = Object.hasOwn(SINKS, ending) ? SINKS[ending] : undefined;
  if (open !== undefined) return open;
  throw new AppError('ARGUMENT_INVALID', `${file}: columns are written as ${Object.keys(SINKS).join(', ')}`);
}
