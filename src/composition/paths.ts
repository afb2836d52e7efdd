import path from 'node:path';
import type { Config } from '../config/schema.ts';

/** Where things lie, from the configuration and the working directory. */
export interface Paths {
  readonly registry: string;
  readonly logs: string;
  readonly data: string;
  readonly storeUrl: string;
}

export function pathsOf(config: Config, cwd: string): Paths {
  const data = path.resolve(cwd, config.data_dir);
  const url = config.store.url ?? `sqlite:${path.join(data, 'slipway.db')}`;
  const relative = /^sqlite:(?!:memory:)(.+)$/.exec(url)?.[1];
  return {
    data,
    registry: path.join(data, 'registry'),
    logs: path.resolve(cwd, config.logs_dir),
    storeUrl: relative === undefined ? url : `sqlite:${path.resolve(cwd, relative)}`,
  };
}
