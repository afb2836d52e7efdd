import path from 'node:path';
import type { Command } from 'commander';
import { describeDifference, diffTransforms } from '../../models/transforms/diff.ts';
import { diffOnRows, type RowsDifference } from '../../models/transforms/diff-on-rows.ts';
import type { CliContext, GlobalOptions } from '../context.ts';
import { table } from '../output.ts';
import { readSpec } from './read-spec.ts';

interface DiffOptions extends GlobalOptions {
  readonly data?: string;
}

/** As `diff` itself. */
const DIFFERENT = 1;

export function registerDiff(transform: Command, context: CliContext): void {
  transform
    .command('diff <a> <b>')
    .description('Say which fields, operations, options and learnt numbers of two transforms differ')
    .option('--data <file>', 'rows to run both over: .csv with a heading, .parquet, or JSON Lines')
    .addHelpText(
      'after',
      '\nThe exit code is 1 when they differ.\n\nExample:\n  $ slipway transform diff old.json new.json --data holdout.csv',
    )
    .action(async (fileA: string, fileB: string, _options: unknown, command: Command) => {
      const { data, json } = command.optsWithGlobals<DiffOptions>();
      const [a, b] = [readSpec(context, fileA), readSpec(context, fileB)];
      const differences = diffTransforms(a, b);
      const onRows =
        data === undefined ? null : await diffOnRows(a, b, context.openRows(path.resolve(context.cwd, data)));
      if (json === true) context.out(`${JSON.stringify({ differences, data: onRows })}\n`);
      else {
        const lines = differences.map((difference) => `${describeDifference(difference)}\n`);
        context.out(lines.length === 0 ? 'The transforms are the same.\n' : lines.join(''));
        if (onRows !== null) context.out(describeRows(onRows));
      }
      if (differences.length > 0) process.exitCode = DIFFERENT;
    });
}

function describeRows({ rows, onlyRefusedByA, onlyRefusedByB, columns }: RowsDifference): string {
  const refused = [
    onlyRefusedByA > 0 ? `Only A refuses ${onlyRefusedByA} of them.\n` : '',
    onlyRefusedByB > 0 ? `Only B refuses ${onlyRefusedByB} of them.\n` : '',
  ].join('');
  if (columns.length === 0) return `Over ${rows} rows every column that both make is the same.\n${refused}`;
  const lines = columns.map((column) => [
    column.column,
    String(column.rows),
    column.largest === null ? '-' : String(column.largest),
    String(column.firstRow),
    column.operation ?? 'the field itself',
  ]);
  const heading = ['COLUMN', 'ROWS THAT DIFFER', 'LARGEST DIFFERENCE', 'FIRST ROW', 'BY'];
  return `Over ${rows} rows:\n${table([heading, ...lines])}\n${refused}`;
}
