import { Command, CommanderError } from 'commander';
import { AppError, asAppError } from '../kernel/errors.ts';
import { registerConfig } from './config.ts';
import type { CliContext } from './context.ts';
import { registerConvert } from './convert.ts';
import { registerDoctor } from './doctor.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { registerInit } from './init.ts';
import { registerLogs } from './logs.ts';
import { registerModels } from './models/models.ts';
import { registerServe } from './serve.ts';
import { registerTransform } from './transform/transform.ts';

/** Runs one command line and answers with the exit code. */
export async function runCli(argv: readonly string[], context: CliContext): Promise<number> {
  const program = new Command('slipway')
    .description('Launches machine-learning models: prove, serve, log, watch, roll back')
    .version(context.version, '-V, --version')
    .option('-c, --config <file>', 'configuration file (default: slipway.yaml, or SLIPWAY_CONFIG)')
    .option('--json', 'answer in JSON')
    .configureOutput({ writeOut: (text) => context.out(text), writeErr: (text) => context.err(text) })
    .exitOverride()
    .showHelpAfterError('(--help shows how)')
    .addHelpText('after', '\nExample:\n  $ slipway serve ./model.onnx');
  for (const register of [
    registerServe,
    registerInit,
    registerDoctor,
    registerModels,
    registerConvert,
    registerLogs,
    registerConfig,
    registerTransform,
  ])
    register(program, context);
  for (const command of allCommands(program)) {
    command
      .exitOverride()
      .configureOutput({ writeOut: (text) => context.out(text), writeErr: (text) => context.err(text) });
    if (command !== program)
      command.option('--json', 'answer in JSON').option('-c, --config <file>', 'configuration file');
  }
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    return report(error, argv.includes('--json'), context);
  }
}

function allCommands(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(allCommands)];
}

function report(thrown: unknown, json: boolean, context: CliContext): number {
  const error = asAppError(thrown);
  if (json) {
    context.err(
      `${JSON.stringify({ error: { code: error.code, title: error.title, detail: error.message, problems: error.problems } })}\n`,
    );
  } else {
    context.err(`slipway: ${error.message}\n`);
    for (const problem of error.problems) context.err(`  ${problem.path}: ${problem.message}\n`);
    if (!(thrown instanceof AppError) && thrown instanceof Error) context.err(`${thrown.stack}\n`);
  }
  return EXIT_CODES[error.kind];
}
