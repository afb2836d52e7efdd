import { createWriteStream } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { AppError } from '../kernel/errors.ts';
import { float32Text } from '../kernel/float-text.ts';
import { compileRecordCheck } from '../models/record-check.ts';
import { compileTransform } from '../models/transforms/compile.ts';
import { fingerprintOf } from '../models/transforms/fingerprint.ts';
import { fitTransform, type TrainingRows } from '../models/transforms/fit.ts';
import { fieldsOf, knownFields } from '../models/transforms/signature-fields.ts';
import { documentOf, parseTransform, type TransformSpec } from '../models/transforms/spec.ts';
import type { CliContext, GlobalOptions } from './context.ts';
import { readDocument } from './read-document.ts';

interface FitOptions extends GlobalOptions {
  readonly data: string;
  readonly out: string;
}

/** `slipway transform`: one declared transform for training data and for requests. */
export function registerTransform(program: Command, context: CliContext): void {
  const transform = program
    .command('transform')
    .description('Raw fields to the numbers that a model takes, declared once');

  transform
    .command('check <spec>')
    .description('Say everything that is wrong with a transform, or what it makes of which fields')
    .addHelpText('after', '\nExample:\n  $ slipway transform check transform.yaml')
    .action((file: string, _options: unknown, command: Command) => {
      const { json } = command.optsWithGlobals<GlobalOptions>();
      const spec = readSpec(context, file);
      const open = openSteps(spec);
      const columns = open.length === 0 ? compileTransform(spec).columns : null;
      const facts = {
        fields: spec.fields.length,
        outputs: spec.outputs.length,
        columns,
        not_fitted: open,
        fingerprint: fingerprintOf(spec),
      };
      if (json === true) context.out(`${JSON.stringify(facts)}\n`);
      else context.out(describe(spec, columns, open));
    });

  transform
    .command('fit <spec>')
    .description('Learn from training rows (JSON Lines) what the transform needs, and write it with that')
    .requiredOption('--data <file>', 'training rows, one JSON object a line')
    .option('--out <file>', 'where the fitted transform goes', 'transform.json')
    .addHelpText('after', '\nExample:\n  $ slipway transform fit transform.yaml --data train.jsonl')
    .action(async (file: string, _options: unknown, command: Command) => {
      const { data, out, json } = command.optsWithGlobals<FitOptions>();
      const rows = counted(context, context.openRows(path.resolve(context.cwd, data)));
      const fitted = await fitTransform(readSpec(context, file), rows);
      const { columns } = compileTransform(fitted);
      const document = `${JSON.stringify(documentOf(fitted), null, 2)}\n`;
      await writeWhole(path.resolve(context.cwd, out), (part) => writeFile(part, document));
      const fingerprint = fingerprintOf(fitted);
      if (json === true) context.out(`${JSON.stringify({ out, columns, fingerprint })}\n`);
      else context.out(`${out}: ${columns.length} columns, fingerprint ${fingerprint.slice(0, 12)}\n`);
    });

  transform
    .command('apply <transform>')
    .description('Turn rows (JSON Lines) into the columns of a fitted transform (CSV)')
    .requiredOption('--data <file>', 'rows, one JSON object a line')
    .option('--out <file>', 'where the columns go', 'matrix.csv')
    .addHelpText(
      'after',
      '\nExample:\n  $ slipway transform apply transform.json --data train.jsonl --out train.csv',
    )
    .action(async (file: string, _options: unknown, command: Command) => {
      const { data, out, json } = command.optsWithGlobals<FitOptions>();
      const spec = readSpec(context, file);
      const rows = context.openRows(path.resolve(context.cwd, data));
      const target = path.resolve(context.cwd, out);
      const written = await writeWhole(target, (part) => applyTo(part, spec, rows));
      context.out(
        json === true ? `${JSON.stringify({ out, rows: written })}\n` : `${out}: ${written} rows\n`,
      );
    });
}

function readSpec(context: CliContext, file: string): TransformSpec {
  return parseTransform(readDocument(path.resolve(context.cwd, file)));
}

/** Steps that are still to be fitted, by output. */
function openSteps(spec: TransformSpec): readonly string[] {
  return spec.outputs.flatMap(({ name, steps }) =>
    steps.filter((step) => step.fitted === undefined).map((step) => `${name}: ${step.operation.name}`),
  );
}

function describe(spec: TransformSpec, columns: readonly string[] | null, open: readonly string[]): string {
  const lines = spec.outputs.map(({ name, from, steps }) => {
    const sources = from.map((place) => spec.fields[place]?.name).join(', ');
    return `  ${[sources, ...steps.map((step) => step.operation.name), name].join(' → ')}`;
  });
  const state =
    columns === null
      ? `Not fitted yet: ${open.join(', ')}. Run \`slipway transform fit\` on the training data.`
      : `${columns.length} columns: ${columns.join(', ')}`;
  return `The transform is valid.\n${lines.join('\n')}\n${state}\n`;
}

/** Says after each hundred thousand rows how far a pass is. */
function counted(context: CliContext, training: TrainingRows): TrainingRows {
  let pass = 0;
  return {
    async *rows() {
      pass++;
      let rows = 0;
      for await (const batch of training.rows()) {
        const before = Math.floor(rows / 100_000);
        rows += batch.length;
        if (Math.floor(rows / 100_000) > before)
          context.err(`pass ${pass}: ${rows.toLocaleString('en')} rows\n`);
        yield batch;
      }
    },
  };
}

/** Writes beside the file and puts it in its place once it is whole; nothing is left behind a failure. */
async function writeWhole<Result>(file: string, write: (part: string) => Promise<Result>): Promise<Result> {
  const part = `${file}.part`;
  try {
    const result = await write(part);
    await rename(part, file);
    return result;
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

async function applyTo(file: string, spec: TransformSpec, training: TrainingRows): Promise<number> {
  const compiled = compileTransform(spec);
  const check = compileRecordCheck({ fields: fieldsOf(spec) });
  const vector = new Float32Array(compiled.columns.length);
  let rows = 0;
  async function* lines(): AsyncGenerator<string> {
    yield `${compiled.columns.map(quoted).join()}\n`;
    for await (const batch of training.rows()) {
      let text = '';
      for (const record of batch) {
        rows++;
        const features = knownFields(spec, record);
        if (!check.fits(features)) {
          throw new AppError('INPUT_INVALID', `Row ${rows} does not fit the fields of the transform`, {
            problems: check.problems(features, `row ${rows}: `),
          });
        }
        compiled.encode(features, vector, 0);
        text += `${Array.from(vector, (x) => (Number.isNaN(x) ? '' : float32Text(x))).join()}\n`;
      }
      yield text;
    }
  }
  await pipeline(Readable.from(lines()), createWriteStream(file));
  return rows;
}

/** A CSV field (RFC 4180). */
function quoted(name: string): string {
  return /[",\r\n]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name;
}
