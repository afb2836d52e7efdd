import path from 'node:path';
import type { Config } from '../config/schema.ts';
import type { Logger } from '../kernel/logger.ts';
import { convertModel } from '../models/conversion/convert-model.ts';
import { ConvertingRegistry } from '../models/conversion/converting-registry.ts';
import { parseModelReference } from '../models/model-reference.ts';
import { type ModelVersion, schemeOf } from '../models/model-version.ts';
import type { InputRecord } from '../models/record-check.ts';
import { CONVERSION_SAMPLE, CONVERSION_SEED } from './convert-version.ts';
import { ConvertedDirectory } from './converted-directory.ts';
import type { RegistrySession } from './open-registry.ts';
import type { Paths } from './paths.ts';

/** The registry for endpoints with `convert: auto`; what none of them names comes as it is. */
export function createConvertingRegistry(
  config: Config,
  paths: Paths,
  references: ReadonlyMap<string, string>,
  { registry, runtime, openConverter }: RegistrySession,
  logger: Logger,
): ConvertingRegistry {
  const meant = Object.entries(config.endpoints).flatMap(([name, { convert }]) =>
    convert === 'auto' && references.has(name) ? [parseModelReference(references.get(name) as string)] : [],
  );
  return new ConvertingRegistry({
    registry,
    logger,
    store: new ConvertedDirectory(path.join(paths.data, 'converted'), runtime),
    timeoutMs: config.python.convert_timeout_ms,
    isMeant: (version: ModelVersion) =>
      meant.some(({ model, scheme }) => model === version.model && scheme === schemeOf(version)),
    convert: async ({ artifact, golden }, signal) =>
      convertModel(
        {
          artifact,
          golden: golden.map(({ input }) => input as InputRecord),
          given: null,
          sample: CONVERSION_SAMPLE,
          seed: CONVERSION_SEED,
        },
        { runtime, converter: await openConverter(), onStage: (stage) => logger.debug(stage), signal },
      ),
  });
}
