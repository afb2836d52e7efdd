import type { Command } from 'commander';
import type { CliContext, GlobalOptions } from './context.ts';
import { table } from './output.ts';
import { readConfig } from './read-config.ts';

const MARKS = { ok: 'ok', warning: 'look', failed: 'FAIL' } as const;

export function registerDoctor(program: Command, context: CliContext): void {
  program
    .command('doctor')
    .description('Check this machine and the configuration: Node, runtime, store, log, registry, port')
    .addHelpText('after', '\nExample:\n  $ slipway doctor --json')
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const { config } = readConfig(context, options);
      const checks = await context.doctor(config);
      const ok = checks.every((check) => check.state !== 'failed');
      if (options.json === true) context.out(`${JSON.stringify({ ok, checks }, null, 2)}\n`);
      else context.out(`${table(checks.map((check) => [MARKS[check.state], check.name, check.detail]))}\n`);
      if (!ok) process.exitCode = 1;
    });
}
