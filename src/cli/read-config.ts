import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type ConfigFlags, type LoadedConfig, loadConfig } from '../config/load-config.ts';
import { AppError, messageOf } from '../kernel/errors.ts';
import type { CliContext, GlobalOptions } from './context.ts';

export const CONFIG_FILE = 'slipway.yaml';

/** The configuration for a command: `--config`, or SLIPWAY_CONFIG, or slipway.yaml where it stands. */
export function readConfig(
  context: CliContext,
  options: GlobalOptions,
  flags: ConfigFlags = {},
): LoadedConfig {
  const named = options.config ?? context.env['SLIPWAY_CONFIG'];
  const file = path.resolve(context.cwd, named ?? CONFIG_FILE);
  if (named === undefined && !existsSync(file)) return loadConfig({ env: context.env, flags });
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new AppError('CONFIG_INVALID', `The configuration file cannot be read: ${messageOf(error)}`, {
      cause: error,
    });
  }
  return loadConfig({ file: { path: named ?? CONFIG_FILE, text }, env: context.env, flags });
}
