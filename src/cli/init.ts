import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { configTemplate } from '../config/config-template.ts';
import { AppError } from '../kernel/errors.ts';
import type { CliContext, GlobalOptions } from './context.ts';
import { CONFIG_FILE } from './read-config.ts';
import { asModel } from './serve.ts';

export function registerInit(program: Command, context: CliContext): void {
  program
    .command('init')
    .argument('[model]', 'a model to write in as the first endpoint')
    .description(`Write a commented ${CONFIG_FILE} here; an existing one is left alone`)
    .option('--force', 'replace an existing file')
    .addHelpText('after', '\nExample:\n  $ slipway init ./model.onnx && slipway serve')
    .action((model: string | undefined, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions & { force?: boolean }>();
      const file = path.resolve(context.cwd, options.config ?? CONFIG_FILE);
      if (existsSync(file) && options.force !== true) {
        throw new AppError('ARGUMENT_INVALID', `${file} exists: nothing was changed; --force replaces it`);
      }
      const text = configTemplate(
        model === undefined ? {} : { endpoint: { name: 'default', model: asModel(model, context.cwd) } },
      );
      writeFileSync(file, text);
      context.out(
        options.json === true
          ? `${JSON.stringify({ file })}\n`
          : `Wrote ${file}. Next: slipway config check, slipway serve\n`,
      );
    });
}
