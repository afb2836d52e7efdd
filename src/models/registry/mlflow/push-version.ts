import type { Clock } from '../../../kernel/clock.ts';
import { AppError } from '../../../kernel/errors.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../../kernel/json.ts';
import type { VersionArtifact } from '../registry.ts';
import { proxiedPath } from './artifact-source.ts';
import type { MlflowVersion } from './mlflow-answers.ts';
import type { MlflowClient } from './mlflow-client.ts';
import { DIGEST_TAG, SEMVER_TAG } from './version-tags.ts';

const EXPERIMENT = 'slipway';
const ARTIFACT = 'model';

/**
 * Makes a version of a registered model on the MLflow server from a version of another registry: a run with its metrics
 * and parameters, the files as the run's artifact, and a version that names them, tagged with digest and semantic version.
 */
export async function pushVersion(
  client: MlflowClient,
  clock: Clock,
  { version, artifact }: Pick<VersionArtifact, 'version' | 'artifact'>,
  name: string,
  onFile: (file: string, done: number, total: number) => void,
): Promise<MlflowVersion> {
  await client.createModel(name);
  const label = version.semver ?? String(version.number);
  const run = await client.createRun(EXPERIMENT, `${version.model} ${label}`, clock.now());
  const root = proxiedPath(run.info.artifact_uri);
  if (root === null) {
    throw new AppError(
      'ARGUMENT_INVALID',
      `The MLflow server keeps artifacts at ${run.info.artifact_uri.slice(0, 200)}, where Slipway cannot write: start it with --serve-artifacts`,
    );
  }
  let done = 0;
  for (const [file, content] of artifact.files) {
    await client.upload(`${root}/${ARTIFACT}/${file}`, content);
    onFile(file, ++done, artifact.files.size);
  }
  const { metrics, params, tags, description } = version.metadata;
  await client.finishRun(run.info.run_id, clock.now(), {
    metrics: numbersOf(metrics),
    params: textsOf(params),
  });
  return client.createVersion({
    name,
    source: `${run.info.artifact_uri}/${ARTIFACT}`,
    runId: run.info.run_id,
    description: typeof description === 'string' ? description : '',
    tags: {
      ...textsOf(tags),
      ...(version.digest !== null && { [DIGEST_TAG]: version.digest }),
      ...(version.semver !== null && { [SEMVER_TAG]: version.semver }),
    },
  });
}

/** Numbers anywhere below, by their paths joined with dots. */
function numbersOf(value: JsonValue | undefined, prefix = ''): Record<string, number> {
  if (typeof value === 'number') return prefix === '' ? {} : { [prefix]: value };
  if (!isJsonObject(value)) return {};
  return Object.assign(
    {},
    ...Object.entries(value).map(([key, inner]) =>
      numbersOf(inner, prefix === '' ? key : `${prefix}.${key}`),
    ),
  ) as Record<string, number>;
}

function textsOf(value: JsonValue | undefined): Record<string, string> {
  const record: JsonObject = isJsonObject(value) ? value : {};
  return Object.fromEntries(
    Object.entries(record).map(([key, inner]) => [
      key,
      typeof inner === 'string' ? inner : JSON.stringify(inner),
    ]),
  );
}
