import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { writeWhole } from '../../kernel/whole-file.ts';
import { inColumns, type TrainingColumns } from '../../models/transforms/column-batch.ts';
import { compileTransform } from '../../models/transforms/compile.ts';
import { documentText } from '../../models/transforms/document-text.ts';
import { fingerprintOf } from '../../models/transforms/fingerprint.ts';
import { fitTransform } from '../../models/transforms/fit.ts';
import type { CliContext } from '../context.ts';
import { type QuietOptions, showProgress } from '../progress.ts';
import { readSpec } from './read-spec.ts';

interface FitOptions extends QuietOptions {
  readonly data: string;
  readonly out: string;
}

export function registerFit(transform: Command, context: CliContext): void {
  transform
    .command('fit <spec>')
    .description('Learn from training rows what the transform needs, and write it with that')
    .requiredOption('--data <file>', 'training rows: .csv with a heading, .parquet, or JSON Lines')
    .option('--out <file>', 'where the fitted transform goes', 'transform.json')
    .option('--quiet', 'no progress')
    .addHelpText('after', '\nExample:\n  $ slipway transform fit transform.yaml --data train.csv')
    .action(async (file: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<FitOptions>();
      const { data, out, json } = options;
      const spec = readSpec(context, file);
      const training = inColumns(context.openRows(path.resolve(context.cwd, data)));
      const fitted = await fitTransform(spec, watched(context, options, training));
      const { columns } = compileTransform(fitted);
      await writeWhole(path.resolve(context.cwd, out), (part) => writeFile(part, documentText(fitted)));
      const fingerprint = fingerprintOf(fitted);
      if (json === true) context.out(`${JSON.stringify({ out, columns, fingerprint })}\n`);
      else context.out(`${out}: ${columns.length} columns, fingerprint ${fingerprint.slice(0, 12)}\n`);
    });
}

/** The same data, each pass over which shows how far it is. */
function watched(context: CliContext, options: FitOptions, training: TrainingColumns): TrainingColumns {
  let pass = 0;
  return {
    name: options.data,
    async *batches(wanted) {
      const progress = showProgress(context, options, `pass ${++pass}`);
      let rows = 0;
      try {
        for await (const batch of training.batches(wanted)) {
          rows += batch.count;
          progress.update(rows, training.share?.() ?? null);
          yield batch;
        }
      } finally {
        progress.end();
      }
    },
  };
}
