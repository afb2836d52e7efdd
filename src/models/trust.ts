import { AppError } from '../kernel/errors.ts';
import { digestOf } from './digest.ts';
import type { ModelVersion } from './model-version.ts';
import type { ModelArtifact } from './runtimes/runtime.ts';
import { CODE_FILE } from './transform-files.ts';

/** What is read as data, by a runtime of ours or by its library's own reader. */
const DATA_FLAVORS: ReadonlySet<string> = new Set([
  'onnx',
  'remote',
  'huggingface_onnx',
  'marian',
  'xgboost_native',
  'lightgbm_native',
]);
/** Files that are code, become it when they are read, or name packages whose installation runs theirs. */
const CODE_FILES =
  /\.(py|pyc|so|pkl|pickle|joblib|skops)$|(^|\/)(requirements\.txt|python_env\.yaml|conda\.yaml)$/i;

/**
 * Whether loading a version runs code that came with it: a pickle, and so most of what Python's libraries save, may do
 * anything that the process may.
 */
export function executesCode({ flavor, files }: Pick<ModelVersion, 'flavor' | 'files'>): boolean {
  return (
    runsPython(
      flavor,
      files.map(({ path }) => path),
    ) || files.some(({ path }) => path === CODE_FILE)
  );
}

/** The same of Python alone. A transform in JavaScript was always somebody's own. */
export function runsPython(flavor: string, names: readonly string[]): boolean {
  return (
    !DATA_FLAVORS.has(flavor) || (flavor.endsWith('_native') && names.some((name) => CODE_FILES.test(name)))
  );
}

/**
 * UNTRUSTED_CODE unless `trusted` has the registry that the artifact is from (`embedded`, `mlflow`), or the digest of the
 * version or of its content (`sha256:…`).
 */
export function requireTrusted(artifact: ModelArtifact, trusted: readonly string[]): void {
  if (!runsPython(artifact.flavor, [...artifact.files.keys()])) return;
  const { registry, digest } = artifact.origin;
  if (trusted.includes(registry) || (digest !== null && trusted.includes(digest))) return;
  const content = contentDigest(artifact.files);
  if (trusted.includes(content)) return;
  throw new AppError(
    'UNTRUSTED_CODE',
    `${artifact.entry} runs code of its author when it is loaded. If you trust it, say so: --trust at the command, or python.trusted: [${registry}] or [${content}] in slipway.yaml`,
  );
}

/** The digest of what the author wrote, which is the same before a registry completes it and after. */
function contentDigest(files: ModelArtifact['files']): string {
  const own = [...files].filter(([name]) => !name.startsWith('slipway/') && !isWrittenHere(name, files));
  return digestOf(new Map(own)).digest;
}

/** The MLmodel file that a registry writes for a model that came without one. */
function isWrittenHere(name: string, files: ModelArtifact['files']): boolean {
  return (
    name === 'MLmodel' &&
    Buffer.from(files.get(name) ?? [])
      .toString('utf8')
      .startsWith('flavors:\n  slipway:')
  );
}
