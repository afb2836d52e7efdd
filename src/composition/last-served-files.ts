import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { isJsonObject } from '../kernel/json.ts';
import type { Logger } from '../kernel/logger.ts';
import type { ModelVersion } from '../models/model-version.ts';
import type { LastServed } from '../serving/endpoint.ts';

/** One file an endpoint, written whole. What cannot be read or written is as good as absent, and said in the log. */
export function createLastServedFiles(directory: string, logger: Logger): LastServed {
  const fileOf = (endpoint: string): string => path.join(directory, `${endpoint}.json`);
  return {
    async read(endpoint) {
      try {
        const value: unknown = JSON.parse(await readFile(fileOf(endpoint), 'utf8'));
        return isJsonObject(value) && typeof value['model'] === 'string'
          ? (value as unknown as ModelVersion)
          : null;
      } catch {
        return null;
      }
    },
    async write(endpoint, version) {
      const staged = `${fileOf(endpoint)}.${process.pid}`;
      try {
        await mkdir(directory, { recursive: true });
        await writeFile(staged, JSON.stringify(version));
        await rename(staged, fileOf(endpoint));
      } catch (error) {
        logger.warn(`What endpoint ${endpoint} serves cannot be kept for the next start`, { error });
      }
    },
  };
}
