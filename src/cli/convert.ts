import path from 'node:path';
import type { Command } from 'commander';
import { AppError } from '../kernel/errors.ts';
import { reportDocument } from '../models/conversion/report-document.ts';
import { BOUNDARY_MARGIN } from '../models/proving/parity.ts';
import type { CliContext, ConvertedVersion } from './context.ts';
import { nameOf, shown } from './models/shown.ts';
import { table } from './output.ts';
import type { QuietOptions } from './progress.ts';
import { readConfig } from './read-config.ts';
import { type TrustOptions, trustFlags, withTrust } from './trust.ts';

interface ConvertOptions extends QuietOptions, TrustOptions {
  readonly rows?: string;
  readonly sample: string;
  readonly semver?: string;
  readonly name?: string;
}

const HELP = `
The graph is registered as the next version of the model when it answers as the original does, on the golden examples, on
the rows given and on rows made around them: the same labels, numbers within 1e-5. Otherwise the rows that differ are shown
and nothing is registered. It needs the model's own Python, with skl2onnx (and onnxmltools for XGBoost and LightGBM).

Example:
  $ slipway convert delivery/3 --rows holdout.csv --semver 1.1.0 --trust
  $ slipway convert ./model.pkl --trust`;

const MOST_SAMPLED = 100_000;
/** As shells report a command that Ctrl-C ended. */
const STOPPED = 130;

/** `slipway convert`: a model that runs in Python as an ONNX graph, where the proof holds. */
export function registerConvert(program: Command, context: CliContext): void {
  withTrust(program.command('convert <model>'))
    .description('Convert a Python model to ONNX, prove that it answers alike, and register it')
    .option('--rows <file>', 'rows to compare on: .csv with a heading, .parquet, or JSON Lines')
    .option('--sample <number>', 'rows to make around those, at the edges of every field', '1000')
    .option('--semver <version>', 'semantic version of the result, such as 1.1.0')
    .option('--name <name>', 'name of the registered model, for a path')
    .option('--quiet', 'no progress')
    .addHelpText('after', HELP)
    .action(async (model: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<ConvertOptions>();
      const { rows, semver, name, json } = options;
      const sample = sampleOf(options.sample);
      const stop = new AbortController();
      void context.untilSignal().then((signal) => stop.abort(signal));
      const { config } = readConfig(context, options, trustFlags(options));
      const session = await context.openRegistry(config);
      try {
        const converted = await session.convert(
          {
            model,
            rows: rows === undefined ? null : context.openRows(path.resolve(context.cwd, rows)),
            sample,
            ...(semver !== undefined && { semver }),
            ...(name !== undefined && { name }),
          },
          { onStage: stages(context, options), signal: stop.signal },
        );
        context.out(
          json === true ? `${JSON.stringify(documentOf(converted), null, 2)}\n` : inWords(converted),
        );
      } catch (error) {
        if (!stop.signal.aborted) throw error;
        context.err(`${String(stop.signal.reason)}: stopped, nothing was registered\n`);
        process.exitCode = STOPPED;
      } finally {
        await session.close();
      }
    });
}

function sampleOf(text: string): number {
  const sample = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (sample <= MOST_SAMPLED) return sample;
  throw new AppError('ARGUMENT_INVALID', `--sample must be a whole number up to ${MOST_SAMPLED}`);
}

/** What is being done, on stderr; counts of rows are drawn over where somebody looks. */
function stages({ err, isTerminal }: CliContext, { json, quiet }: QuietOptions): (message: string) => void {
  if (json === true || quiet === true) return () => undefined;
  let isDrawn = false;
  return (message) => {
    const isCount = message.startsWith('Compared ');
    if (isCount && !isTerminal) return;
    err(isCount ? `\r\x1b[K${message}` : `${isDrawn ? '\n' : ''}${message}\n`);
    isDrawn = isCount;
  };
}

function documentOf(converted: ConvertedVersion): Record<string, unknown> {
  const { version, original, created } = converted;
  return {
    created,
    ...shown(version),
    converted_from: { model: original.model, number: original.number, digest: original.digest },
    conversion: reportDocument(converted),
  };
}

function inWords({ original, version, created, precision, report }: ConvertedVersion): string {
  const number = (value: number | null): string => (value === null ? '-' : value.toPrecision(2));
  const facts: readonly (readonly [string, string])[] = [
    ['rows compared', String(report.compared)],
    ['labels that differ', String(report.labelsDiffering)],
    [`of them within ${BOUNDARY_MARGIN} of a boundary`, String(report.boundaryRows)],
    ['largest difference of a probability', number(report.maxProbabilityDifference)],
    ['mean difference of probabilities', number(report.meanProbabilityDifference)],
    ['largest difference of a number', number(report.maxAbsoluteDifference)],
    ['in relation to its size', number(report.maxRelativeDifference)],
    ['rows that only the original refuses', String(report.refusedByOriginal)],
    ['rows that both refuse', String(report.refusedByBoth)],
    ['computes in', precision],
  ];
  const said = created
    ? `Registered ${nameOf(version)}: it answers as ${nameOf(original)} does`
    : `${nameOf(version)} has this content already; nothing was added`;
  return `${table(facts.filter(([, value]) => value !== '-'))}\n\n${said}\n`;
}
