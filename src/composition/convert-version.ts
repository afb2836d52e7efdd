import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ConvertedVersion, ConvertRequest } from '../cli/context.ts';
import { AppError } from '../kernel/errors.ts';
import { convertModel, type ProvedConversion } from '../models/conversion/convert-model.ts';
import type { OnStage } from '../models/conversion/converter.ts';
import { reportDocument } from '../models/conversion/report-document.ts';
import { isModelPath, parseModelReference, referenceText, referenceTo } from '../models/model-reference.ts';
import type { ModelVersion } from '../models/model-version.ts';
import type { InputRecord } from '../models/record-check.ts';
import { pinnedFacts } from '../models/registry/artifacts/complete-artifact.ts';
import { readArtifact } from '../models/registry/artifacts/read-artifact.ts';
import { writeFiles } from '../models/runtimes/private-directories.ts';
import type { ModelArtifact } from '../models/runtimes/runtime.ts';
import type { RegistrySession } from './open-registry.ts';
import { registerLocation } from './register-location.ts';

/** The same rows each time, so that a refusal can be looked at again. */
export const CONVERSION_SEED = 20_260_301;
/** Rows that are made around those that are known, where nobody says how many. */
export const CONVERSION_SAMPLE = 1_000;

interface Source {
  readonly artifact: ModelArtifact;
  readonly golden: readonly InputRecord[];
  /** The version that it is, registered first where it is a path; only asked for once the proof holds. */
  version(): Promise<ModelVersion>;
}

/**
 * Converts a version, or a model at a path, and registers the result as the next version of the same model, with its
 * provenance. A proof that does not hold registers nothing.
 */
export async function convertVersion(
  session: RegistrySession,
  cwd: string,
  request: ConvertRequest,
  { onStage, signal }: { readonly onStage: OnStage; readonly signal: AbortSignal },
): Promise<ConvertedVersion> {
  const source = await sourceOf(session, cwd, request);
  const proved = await convertModel(
    {
      artifact: source.artifact,
      golden: source.golden,
      given: request.rows,
      sample: request.sample,
      seed: CONVERSION_SEED,
    },
    { runtime: session.runtime, converter: await session.openConverter(), onStage, signal },
  );
  onStage('Registering');
  const original = await source.version();
  const { version, created } = await register(session, request, original, proved);
  const { precision, packages, report } = proved;
  return { original, version, created, precision, packages, report };
}

async function sourceOf(session: RegistrySession, cwd: string, request: ConvertRequest): Promise<Source> {
  const { model, name } = request;
  if (isModelPath(model)) {
    const artifact = await readArtifact(path.resolve(cwd, model), { registry: 'embedded', digest: null });
    const registration = { location: model, ...(name !== undefined && { name }) };
    return {
      artifact,
      golden: [],
      version: async () => (await registerLocation(session, cwd, registration)).version,
    };
  }
  if (name !== undefined)
    throw new AppError(
      'ARGUMENT_INVALID',
      '--name is for a path: the version of a model stays one of that model',
    );
  const asked = await session.registry.resolve(parseModelReference(model));
  const { artifact, version } = await session.registry.fetch(asked);
  const golden = pinnedFacts(artifact).golden.map(({ input }) => input as InputRecord);
  return { artifact, golden, version: async () => version };
}

async function register(
  { embedded }: RegistrySession,
  { semver }: ConvertRequest,
  original: ModelVersion,
  { artifact, examples, ...proved }: ProvedConversion,
): Promise<Pick<ConvertedVersion, 'version' | 'created'>> {
  const directory = await mkdtemp(path.join(tmpdir(), 'slipway-converted-'));
  try {
    await writeFiles(directory, artifact.files);
    return await embedded.register({
      location: directory,
      name: original.model,
      ...(semver !== undefined && { semver }),
      source: `converted from ${referenceText(referenceTo(original))}`,
      metadata: {
        ...original.metadata,
        converted_from: {
          registry: original.registry,
          model: original.model,
          version: original.number,
          digest: original.digest,
        },
        conversion: reportDocument(proved),
      },
      exampleRows: examples,
    });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
