import path from 'node:path';
import type { Command } from 'commander';
import type { CliContext } from '../context.ts';
import { type QuietOptions, showProgress } from '../progress.ts';
import { readSpec } from './read-spec.ts';

interface ApplyOptions extends QuietOptions {
  readonly data: string;
  readonly out: string;
  readonly keep?: string;
}

const HELP = `
Columns are float32 under the names of the transform; a missing value is NULL in Parquet, an empty cell in CSV and null in
JSON Lines. The file is written beside its place (.part) and put there when it is whole. What is interrupted starts over.

Example:
  $ slipway transform apply transform.json --data train.csv --out train.parquet --keep id,target`;

/** As shells report a command that Ctrl-C ended. */
const STOPPED = 130;

export function registerApply(transform: Command, context: CliContext): void {
  transform
    .command('apply <transform>')
    .description('Turn rows into the columns of a fitted transform')
    .requiredOption('--data <file>', 'rows: .csv with a heading, .parquet, or JSON Lines')
    .option('--out <file>', 'where the columns go: .csv, .parquet or .jsonl', 'matrix.csv')
    .option('--keep <columns>', 'columns of the data to carry along, separated by commas')
    .option('--quiet', 'no progress')
    .addHelpText('after', HELP)
    .action(async (file: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<ApplyOptions>();
      const { data, out, keep, json } = options;
      const spec = readSpec(context, file);
      const progress = showProgress(context, options, out);
      const stop = new AbortController();
      void context.untilSignal().then((signal) => stop.abort(signal));
      try {
        const rows = await context.encodeFile({
          spec,
          from: path.resolve(context.cwd, data),
          to: path.resolve(context.cwd, out),
          keep: keep?.split(',').filter((name) => name !== '') ?? [],
          onProgress: progress.update,
          signal: stop.signal,
        });
        progress.end();
        context.out(json === true ? `${JSON.stringify({ out, rows })}\n` : `${out}: ${rows} rows\n`);
      } catch (error) {
        progress.end();
        if (!stop.signal.aborted) throw error;
        context.err(`${String(stop.signal.reason)}: stopped, nothing was written\n`);
        process.exitCode = STOPPED;
      }
    });
}
