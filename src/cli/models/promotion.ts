import type { Command } from 'commander';
import { AppError } from '../../kernel/errors.ts';
import { parseModelReference, referenceTo } from '../../models/model-reference.ts';
import { type ModelVersion, STAGES, type Stage } from '../../models/model-version.ts';
import type { CliRegistry } from '../context.ts';
import { withTrust } from '../trust.ts';
import type { On } from './actions.ts';
import { nameOf, requireAlias, requireInUse, shown } from './shown.ts';

/** What changes which version a name stands for; servers that follow the name take it within their poll interval. */
export function registerPromotion(models: Command, on: On): void {
  on<{ to?: string; stage?: string }>(
    withTrust(models.command('promote'))
      .argument('<model>', 'name/version, or models:/name/version of MLflow')
      .description('Point an alias at the version, or move it to a stage, after verifying it')
      .option('--to <alias>', 'the alias (default: production)')
      .option(
        '--stage <stage>',
        'a stage of MLflow instead: Production or Staging; who was there is archived',
      )
      .addHelpText(
        'after',
        '\nExample:\n  $ slipway models promote sales/7\n  $ slipway models promote models:/sales/7 --stage Production',
      ),
    async (session, { to, stage }, [reference = '']) => {
      if (to !== undefined && stage !== undefined)
        throw new AppError('ARGUMENT_INVALID', 'Give --to or --stage, not both');
      const target = stage === undefined ? null : stageNamed(stage);
      const alias = to ?? 'production';
      requireAlias(alias);
      const asked = await session.registry.resolve(parseModelReference(reference));
      requireInUse(asked);
      const { version } = await session.verify(asked);
      if (target === null) await session.registry.setAlias(version, alias);
      else await session.registry.setStage(version, target);
      const promoted = await again(session, version);
      return {
        json: { ...shown(promoted), promoted_to: target ?? alias },
        text: `${nameOf(version)} is ${target === null ? `${version.model}@${alias}` : `in ${target}`} now`,
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
    async (session, { remove }, [reference = '', alias = '']) => {
      requireAlias(alias);
      const { registry } = session;
      const parsed = parseModelReference(reference);
      if (remove === true) {
        await registry.getModel(parsed.model, parsed.scheme);
        const removed = await registry.removeAlias(parsed.model, parsed.scheme, alias);
        if (!removed) throw new AppError('VERSION_NOT_FOUND', `${parsed.model} has no alias "${alias}"`);
        return { json: { model: parsed.model, alias, removed }, text: `${parsed.model}@${alias} is gone` };
      }
      const version = await registry.resolve(parsed);
      requireInUse(version);
      await registry.setAlias(version, alias);
      return {
        json: { ...shown(await again(session, version)), alias },
        text: `${nameOf(version)} is ${version.model}@${alias} now`,
      };
    },
  );

  on<{ restore?: boolean }>(
    models
      .command('archive')
      .argument('<model>', 'name/version')
      .description('Take a version out of use; its aliases go in the embedded registry, its files stay')
      .option('--restore', 'take it back from the archive')
      .addHelpText('after', '\nExample:\n  $ slipway models archive sales/3'),
    async (session, { restore }, [reference = '']) => {
      const version = await session.registry.resolve(parseModelReference(reference));
      await session.registry.setStage(version, restore === true ? 'None' : 'Archived');
      return {
        json: shown(await again(session, version)),
        text: `${nameOf(version)} is ${restore === true ? 'back in use' : 'archived'}`,
      };
    },
  );
}

function stageNamed(text: string): Stage {
  const stage = STAGES.find((each) => each.toLowerCase() === text.toLowerCase());
  if (stage === 'Production' || stage === 'Staging') return stage;
  throw new AppError(
    'ARGUMENT_INVALID',
    `--stage "${text.slice(0, 64)}": a version is promoted to Production or Staging; \`slipway models archive\` takes it out of use`,
  );
}

/** The version as the registry has it after a change. */
function again({ registry }: CliRegistry, version: ModelVersion): Promise<ModelVersion> {
  return registry.resolve(referenceTo(version));
}
