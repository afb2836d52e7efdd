import type { Command } from 'commander';
import type { ConfigFlags } from '../config/load-config.ts';

export interface TrustOptions {
  readonly trust?: boolean;
}

/** Gives a command that loads models the word that their code may run. */
export function withTrust(command: Command): Command {
  return command.option(
    '--trust',
    'let code that comes with the model run, as pickles and most of what Python saves do when they are loaded',
  );
}

export function trustFlags({ trust }: TrustOptions): ConfigFlags {
  return trust === true ? { python: { trusted: ['embedded', 'mlflow'] } } : {};
}
