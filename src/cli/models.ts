import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { AppError, messageOf } from '../kernel/errors.ts';
import { isJsonObject, type JsonObject } from '../kernel/json.ts';
import { parseModelReference } from '../models/model-reference.ts';
import { type ModelVersion, versionLabel } from '../models/model-version.ts';
import { CODE_FILE, codeFiles, documentFiles } from '../models/transform-files.ts';
import type { CliContext, CliRegistry, GlobalOptions } from './context.ts';
import { table } from './output.ts';
import { readConfig } from './read-config.ts';
import { readDocument } from './read-document.ts';

const ALIAS = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;

type Act<Options> = (
  session: CliRegistry,
  options: Options & GlobalOptions,
  args: readonly string[],
) => Promise<{ json: unknown; text: string }>;

/** `slipway models …`: the embedded registry. */
export function registerModels(program: Command, context: CliContext): void {
  const models = program.command('models').description('Register, look at and promote model versions');

  function on<Options>(command: Command, act: Act<Options>): void {
    command.action(async (...received: unknown[]) => {
      const own = received.at(-1) as Command;
      const options = own.optsWithGlobals<Options & GlobalOptions>();
      const session = await context.openRegistry(readConfig(context, options).config);
      try {
        const { json, text } = await act(session, options, own.args);
        context.out(options.json === true ? `${JSON.stringify(json, null, 2)}\n` : `${text}\n`);
      } finally {
        await session.close();
      }
    });
  }

  on<{ name?: string; semver?: string; alias?: string[]; transform?: string; examples?: string }>(
    models
      .command('register')
      .argument('<path>', 'an .onnx file or a directory that mlflow.onnx.save_model wrote')
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
      const { version, created } = await session.registry.register({
        location: path.resolve(context.cwd, location),
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

  on<{ to: string }>(
    models
      .command('promote')
      .argument('<model>', 'name/version')
      .description('Point an alias at the version after verifying it; servers take it at their next start')
      .option('--to <alias>', 'the alias', 'production')
      .addHelpText('after', '\nExample:\n  $ slipway models promote sales/7'),
    async (session, { to }, [reference = '']) => {
      requireAlias(to);
      const version = await session.registry.resolve(parseModelReference(reference));
      requireInUse(version);
      await session.verify(version);
      await session.models.setAlias(version.model, to, version.number);
      const promoted = await session.registry.resolve({
        model: version.model,
        scheme: 'name',
        by: 'alias',
        alias: to,
      });
      return {
        json: { ...shown(promoted), promoted_to: to },
        text: `${nameOf(version)} is ${version.model}@${to} now`,
      };
    },
  );

  on<{ remove?: boolean }>(
    models
      .command('alias')
      .argument('<model>', 'name/version, or the name with --remove')
      .argument('<alias>', 'letters, digits, dash, underscore')
      .description('Point an alias at a version, or take it away')
      .option('--remove', 'take the alias away')
      .addHelpText(
        'after',
        '\nExample:\n  $ slipway models alias sales/7 champion\n  $ slipway models alias sales champion --remove',
      ),
    async ({ registry, models: store }, { remove }, [reference = '', alias = '']) => {
      requireAlias(alias);
      const parsed = parseModelReference(reference);
      if (remove === true) {
        await registry.getModel(parsed.model, 'name');
        const removed = await store.removeAlias(parsed.model, alias);
        if (!removed) throw new AppError('VERSION_NOT_FOUND', `${parsed.model} has no alias "${alias}"`);
        return { json: { model: parsed.model, alias, removed }, text: `${parsed.model}@${alias} is gone` };
      }
      const version = await registry.resolve(parsed);
      requireInUse(version);
      await store.setAlias(version.model, alias, version.number);
      const named = await registry.resolve({ model: version.model, scheme: 'name', by: 'alias', alias });
      return {
        json: { ...shown(named), alias },
        text: `${nameOf(version)} is ${version.model}@${alias} now`,
      };
    },
  );

  on<{ restore?: boolean }>(
    models
      .command('archive')
      .argument('<model>', 'name/version')
      .description('Take a version out of use; its aliases go, its files stay')
      .option('--restore', 'take it back from the archive')
      .addHelpText('after', '\nExample:\n  $ slipway models archive sales/3'),
    async ({ registry, models: store }, { restore }, [reference = '']) => {
      const version = await registry.resolve(parseModelReference(reference));
      await store.setArchived(version.model, version.number, restore === true ? null : Date.now());
      const after = await registry.resolve({
        model: version.model,
        scheme: 'name',
        by: 'version',
        version: String(version.number),
      });
      return {
        json: shown(after),
        text: `${nameOf(version)} is ${restore === true ? 'back in use' : 'archived'}`,
      };
    },
  );

  on(
    models
      .command('verify')
      .argument('<model>', 'name, name@alias or name/version')
      .description('Load the version as a server would: digest, signature, golden examples')
      .addHelpText('after', '\nExample:\n  $ slipway models verify sales/7'),
    async (session, _options, [reference = '']) => {
      const version = await session.registry.resolve(parseModelReference(reference));
      const { goldenExamples } = await session.verify(version);
      return {
        json: { ...shown(version), verified: true, golden_examples: goldenExamples },
        text: `${nameOf(version)} holds: ${version.files.length} files, the signature, ${goldenExamples} golden examples`,
      };
    },
  );
}

const HEADING = ['MODEL', 'NUMBER', 'VERSION', 'STAGE', 'ALIASES', 'CREATED', 'DIGEST'];

function rowOf(version: ModelVersion): readonly string[] {
  return [
    version.model,
    String(version.number),
    versionLabel(version),
    version.stage,
    version.aliases.join(', ') || '-',
    new Date(version.createdAt).toISOString().slice(0, 16).replace('T', ' '),
    version.digest?.slice(0, 19) ?? '-',
  ];
}

function shown(version: ModelVersion): Record<string, unknown> {
  return {
    model: version.model,
    number: version.number,
    version: versionLabel(version),
    stage: version.stage,
    aliases: version.aliases,
    flavor: version.flavor,
    digest: version.digest,
    source: version.source,
    created_at: new Date(version.createdAt).toISOString(),
    archived_at: version.archivedAt === null ? null : new Date(version.archivedAt).toISOString(),
    metadata: version.metadata,
    executes_code: version.files.some((file) => file.path === CODE_FILE),
    files: version.files,
  };
}

function nameOf(version: ModelVersion): string {
  return `${version.model}/${version.number}${version.semver === null ? '' : ` (${version.semver})`}`;
}

function requireInUse(version: ModelVersion): void {
  if (version.archivedAt === null) return;
  throw new AppError(
    'ARGUMENT_INVALID',
    `${nameOf(version)} is archived: take it back with \`slipway models archive --restore\` first`,
  );
}

function requireAlias(alias: string): void {
  if (ALIAS.test(alias) && alias !== 'latest') return;
  throw new AppError(
    'ARGUMENT_INVALID',
    `"${alias.slice(0, 64)}" cannot be an alias: begin with a letter, then letters, digits, dash, underscore; not "latest"`,
  );
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
