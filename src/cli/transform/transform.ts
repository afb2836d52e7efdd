import type { Command } from 'commander';
import type { CliContext } from '../context.ts';
import { registerApply } from './apply.ts';
import { registerCheck } from './check.ts';
import { registerDiff } from './diff.ts';
import { registerFit } from './fit.ts';
import { registerImport } from './import.ts';

/** `slipway transform`: one declared transform for training data and for requests. */
export function registerTransform(program: Command, context: CliContext): void {
  const transform = program
    .command('transform')
    .description('Raw fields to the numbers that a model takes, declared once');
  for (const register of [registerCheck, registerFit, registerApply, registerDiff, registerImport])
    register(transform, context);
}
