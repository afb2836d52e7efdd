import type { Command } from 'commander';
import { AppError } from '../../kernel/errors.ts';
import { parseModelReference } from '../../models/model-reference.ts';
import type { CliContext } from '../context.ts';
import { withTrust } from '../trust.ts';
import type { On } from './actions.ts';
import { nameOf, requireAlias, shown } from './shown.ts';

/** Copies between the embedded registry and MLflow's. */
export function registerExchange(models: Command, on: On, context: CliContext): void {
  on<{ name?: string; alias?: string[] }>(
    withTrust(models.command('pull'))
      .argument('<model>', 'models:/name/7, models:/name@alias or models:/name/Production')
      .description('Copy a version of the MLflow registry into the embedded one, with what is known of it')
      .option('--name <name>', 'name in the embedded registry (default: the same)')
      .option('--alias <alias...>', 'aliases to point at it')
      .addHelpText(
        'after',
        '\nExample:\n  $ slipway models pull models:/sales/Production --alias production',
      ),
    async (session, options, [reference = '']) => {
      for (const alias of options.alias ?? []) requireAlias(alias);
      const asked = await session.registry.resolve(parseModelReference(reference));
      if (asked.registry !== 'mlflow')
        throw new AppError('ARGUMENT_INVALID', `${nameOf(asked)} is in the embedded registry already`);
      const { version, created } = await session.pull(asked, options.name ?? asked.model);
      for (const alias of options.alias ?? []) await session.registry.setAlias(version, alias);
      const text = created
        ? `Pulled ${nameOf(asked)} as ${nameOf(version)}`
        : `${nameOf(version)} has the content of ${nameOf(asked)} already`;
      return { json: { created, ...shown(version) }, text };
    },
  );

  on<{ name?: string; alias?: string[]; quiet?: boolean }>(
    models
      .command('push')
      .argument('<model>', 'name, name@alias or name/version of the embedded registry')
      .description('Make a version of the embedded registry a version of the MLflow registry')
      .option('--name <name>', 'name of the registered model there (default: the same)')
      .option('--alias <alias...>', 'aliases to point at it there')
      .option('--quiet', 'show no progress')
      .addHelpText('after', '\nExample:\n  $ slipway models push sales/7 --alias champion'),
    async (session, options, [reference = '']) => {
      for (const alias of options.alias ?? []) requireAlias(alias);
      const asked = await session.registry.resolve(parseModelReference(reference));
      if (asked.registry === 'mlflow')
        throw new AppError('ARGUMENT_INVALID', `${nameOf(asked)} is in the MLflow registry already`);
      const isQuiet = options.quiet === true || options.json === true;
      const version = await session.push(asked, options.name ?? asked.model, (file, done, total) => {
        if (!isQuiet) context.err(`${done} of ${total} files: ${file}\n`);
      });
      for (const alias of options.alias ?? []) await session.registry.setAlias(version, alias);
      return { json: shown(version), text: `Pushed ${nameOf(asked)} as ${nameOf(version)}` };
    },
  );
}
