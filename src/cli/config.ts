import type { Command } from 'commander';
import { configReference } from '../config/config-reference.ts';
import { defaultEndpointOf } from '../config/load-config.ts';
import { showConfigJson, showConfigYaml } from '../config/show-config.ts';
import type { CliContext, GlobalOptions } from './context.ts';
import { readConfig } from './read-config.ts';

export function registerConfig(program: Command, context: CliContext): void {
  const config = program.command('config').description('Look at the configuration');
  config
    .command('show')
    .description('Every setting with its value and where it comes from; secrets are not shown')
    .addHelpText('after', '\nExample:\n  $ SLIPWAY_SERVER_PORT=9000 slipway config show')
    .action((_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const loaded = readConfig(context, options);
      context.out(
        options.json === true
          ? `${JSON.stringify(showConfigJson(loaded), null, 2)}\n`
          : showConfigYaml(loaded),
      );
    });
  config
    .command('check')
    .description('Say everything that is wrong with the configuration, or that nothing is')
    .addHelpText('after', '\nExample:\n  $ slipway config check --config production.yaml')
    .action((_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const loaded = readConfig(context, options);
      const count = Object.keys(loaded.config.endpoints).length;
      const fallback = defaultEndpointOf(loaded.config) ?? null;
      if (options.json === true)
        context.out(`${JSON.stringify({ ok: true, endpoints: count, default_endpoint: fallback })}\n`);
      else
        context.out(
          `The configuration is valid: ${count} endpoint${count === 1 ? '' : 's'}${fallback === null ? '' : `, POST /predict goes to ${fallback}`}\n`,
        );
    });
  config
    .command('docs')
    .description('The reference of all settings, as Markdown')
    .addHelpText('after', '\nExample:\n  $ slipway config docs > configuration.md')
    .action(() => context.out(configReference()));
}
