import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { AppError, messageOf } from '../../kernel/errors.ts';
import { isJsonObject, type JsonObject } from '../../kernel/json.ts';
import { parseModelReference } from '../../models/model-reference.ts';
import { codeFiles, documentFiles } from '../../models/transform-files.ts';
import type { CliContext } from '../context.ts';
import { table } from '../output.ts';
import { readDocument } from '../read-document.ts';
import { withTrust } from '../trust.ts';
import { actionsOn } from './actions.ts';
import { registerExchange } from './exchange.ts';
import { registerPromotion } from './promotion.ts';
import { HEADING, nameOf, requireAlias, rowOf, shown } from './shown.ts';
import { registerStatus } from './status.ts';

/** `slipway models …`: the embedded registry, and MLflow's where one is configured. */
export function registerModels(program: Command, context: CliContext): void {
  const models = program.command('models').description('Register, look at and promote model versions');

  const on = actionsOn(context);

  on<{ name?: string; semver?: string; alias?: string[]; transform?: string; examples?: string }>(
    withTrust(models.command('register'))
      .argument(
        '<path>',
        'a model file or directory (ONNX, pickle, joblib, XGBoost, LightGBM, MLflow, translation), a place on the MLflow server (runs:/id/model), or http://host/v2/models/name',
      )
      .description('Prove a model, copy it into the registry and give it the next number')
      .option(
        '--name <name>',
        'name of the registered model (default: what the artifact says, or the file name)',
      )
      .option('--semver <version>', 'semantic version such as 2.1.0')
      .option('--alias <alias...>', 'aliases to point at it')
      .option(
        '--transform <file>',
        'what makes the numbers of the model: a fitted transform, or code in .ts or .mjs',
      )
      .option('--examples <file>', 'JSON lines of raw rows, kept with their answers as golden examples')
      .addHelpText(
        'after',
        '\nExample:\n  $ slipway models register ./model --name sales --semver 1.2.0 --alias production',
      ),
    async (session, options, [location = '']) => {
      for (const alias of options.alias ?? []) requireAlias(alias);
      const { version, created } = await session.register({
        location,
        ...(options.name !== undefined && { name: options.name }),
        ...(options.semver !== undefined && { semver: options.semver }),
        ...(options.alias !== undefined && { aliases: options.alias }),
        ...(options.transform !== undefined && {
          transform: await readTransform(path.resolve(context.cwd, options.transform)),
        }),
        ...(options.examples !== undefined && {
          exampleRows: readRows(path.resolve(context.cwd, options.examples)),
        }),
      });
      const text = created
        ? `Registered ${nameOf(version)}`
        : `${nameOf(version)} has this content already; nothing was added`;
      return { json: { created, ...shown(version) }, text };
    },
  );

  on(
    models
      .command('list')
      .description('Models and their versions')
      .addHelpText('after', '\nExample:\n  $ slipway models list --json'),
    async ({ registry }) => {
      const all = await registry.listModels();
      const rows = all.flatMap((model) => model.versions.map((version) => rowOf(version)));
      return {
        json: all.map((model) => ({ name: model.name, versions: model.versions.map(shown) })),
        text:
          rows.length === 0
            ? 'No model is registered yet: slipway models register ./model'
            : table([HEADING, ...rows]),
      };
    },
  );

  on(
    models
      .command('show')
      .argument('<model>', 'name, name@alias or name/version')
      .description('Everything that is known of a version')
      .addHelpText('after', '\nExample:\n  $ slipway models show sales@production'),
    async ({ registry }, _options, [reference = '']) => {
      const version = await registry.resolve(parseModelReference(reference));
      const facts = shown(version);
      return {
        json: facts,
        text: table(
          Object.entries(facts).map(([key, value]) => [
            key,
            typeof value === 'string' ? value : JSON.stringify(value),
          ]),
        ),
      };
    },
  );

  on(
    withTrust(models.command('verify'))
      .argument('<model>', 'name, name@alias or name/version')
      .description('Load the version as a server would: digest, signature, golden examples')
      .addHelpText('after', '\nExample:\n  $ slipway models verify sales/7'),
    async (session, _options, [reference = '']) => {
      const { version, goldenExamples } = await session.verify(
        await session.registry.resolve(parseModelReference(reference)),
      );
      return {
        json: { ...shown(version), verified: true, golden_examples: goldenExamples },
        text: `${nameOf(version)} holds: ${version.files.length} files, the signature, ${goldenExamples} golden examples`,
      };
    },
  );

  registerPromotion(models, on);
  registerExchange(models, on, context);
  registerStatus(models, context);
}

/** A document, or a module that exports `transformRawInput`. */
async function readTransform(file: string): Promise<ReadonlyMap<string, Uint8Array>> {
  if (!/\.(ts|mts|js|mjs)$/.test(file)) return documentFiles(readDocument(file));
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new AppError('ARGUMENT_INVALID', `--transform: ${messageOf(error)}`);
  });
  return codeFiles(text, file.endsWith('ts'));
}

function readRows(file: string): readonly JsonObject[] {
  const problems: { path: string; message: string }[] = [];
  const rows: JsonObject[] = [];
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new AppError('ARGUMENT_INVALID', `--examples: ${messageOf(error)}`);
  }
  text.split('\n').forEach((line, i) => {
    if (line.trim() === '') return;
    try {
      const value: unknown = JSON.parse(line);
      const row = isJsonObject(value) && isJsonObject(value['features']) ? value['features'] : value;
      if (isJsonObject(row)) rows.push(row);
      else problems.push({ path: `line ${i + 1}`, message: 'is not an object' });
    } catch {
      problems.push({ path: `line ${i + 1}`, message: 'is not JSON' });
    }
  });
  if (problems.length > 0)
    throw new AppError('ARGUMENT_INVALID', `${file} has ${problems.length} bad lines`, {
      problems: problems.slice(0, 20),
    });
  return rows;
}
