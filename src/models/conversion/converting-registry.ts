import { AppError, asAppError } from '../../kernel/errors.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { ModelReference, NameScheme } from '../model-reference.ts';
import { type ModelVersion, type RegisteredModel, versionLabel } from '../model-version.ts';
import type { ModelRegistry, VersionArtifact } from '../registry/registry.ts';
import type { ConversionOutcome, ConversionStore } from './conversion-store.ts';
import type { ProvedConversion } from './convert-model.ts';

interface Dependencies {
  readonly registry: ModelRegistry;
  readonly store: ConversionStore;
  /** Whether versions of this model are to be converted. */
  readonly isMeant: (version: ModelVersion) => boolean;
  /** Converts and proves; the signal is aborted when it takes too long, or the server stops. */
  readonly convert: (original: VersionArtifact, signal: AbortSignal) => Promise<ProvedConversion>;
  readonly timeoutMs: number;
  readonly logger: Logger;
}

/** A refusal that the same files will get again. */
const LASTING: ReadonlySet<string> = new Set([
  'CONVERSION_REFUSED',
  'MODEL_UNSUPPORTED',
  'SIGNATURE_MISMATCH',
]);

/**
 * A registry whose Python versions come as ONNX graphs where the proof holds, and as they are where it does not. A
 * conversion is made once; whatever goes wrong with it, the version is served by Python.
 */
export class ConvertingRegistry implements ModelRegistry {
  readonly #deps: Dependencies;
  readonly #stop = new AbortController();
  readonly #told = new Set<string>();

  constructor(deps: Dependencies) {
    this.#deps = deps;
  }

  listModels(): Promise<readonly RegisteredModel[]> {
    return this.#deps.registry.listModels();
  }

  getModel(name: string, scheme: NameScheme): Promise<RegisteredModel> {
    return this.#deps.registry.getModel(name, scheme);
  }

  resolve(reference: ModelReference, options?: { readonly fresh: boolean }): Promise<ModelVersion> {
    return this.#deps.registry.resolve(reference, options);
  }

  async fetch(version: ModelVersion): Promise<VersionArtifact> {
    const original = await this.#deps.registry.fetch(version);
    if (original.artifact.format !== 'python' || !this.#deps.isMeant(version)) return original;
    return this.#shown(original, await this.#outcomeOf(original));
  }

  /** Ends conversions under way; what waits for them gets the original. */
  close(): void {
    this.#stop.abort(new AppError('SHUTTING_DOWN', 'The server is shutting down'));
  }

  async #outcomeOf(original: VersionArtifact): Promise<ConversionOutcome> {
    const { store, logger, timeoutMs } = this.#deps;
    const { version } = original;
    try {
      const known = await store.read(version);
      if (known !== null) return known;
      logger.info(`${nameOf(version)} is being converted to ONNX`, { 'event.action': 'conversion.started' });
      const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(timeoutMs)]);
      return await store.keepProof(version, await this.#deps.convert(original, signal));
    } catch (error) {
      const reason = asAppError(error);
      if (LASTING.has(reason.code)) {
        // A disk that is full must not keep the version from being served.
        return await store
          .keepRefusal(version, reason.message)
          .catch((): ConversionOutcome => ({ is: 'refused', reason: reason.message }));
      }
      return { is: 'refused', reason: reason.message };
    }
  }

  /** The version with what became of it in its metadata, for `/model/info`. */
  #shown(original: VersionArtifact, outcome: ConversionOutcome): VersionArtifact {
    const { version } = original;
    this.#tell(version, outcome);
    const conversion =
      outcome.is === 'proved'
        ? { served_as: 'onnx', ...outcome.proof }
        : { served_as: 'python', reason: outcome.reason };
    return {
      ...(outcome.is === 'proved' ? outcome.converted : original),
      version: { ...version, metadata: { ...version.metadata, conversion } },
    };
  }

  /** Says once what serves a version: it is fetched again for large batches. */
  #tell(version: ModelVersion, outcome: ConversionOutcome): void {
    const key = `${version.digest} ${outcome.is}`;
    if (this.#told.has(key)) return;
    this.#told.add(key);
    const { logger } = this.#deps;
    if (outcome.is === 'proved')
      logger.info(`${nameOf(version)} is served as ONNX: it was proved to answer as in Python`, {
        'event.action': 'conversion.served',
        'slipway.conversion': outcome.proof,
      });
    else
      logger.warn(`${nameOf(version)} is served by Python: ${outcome.reason}`, {
        'event.action': 'conversion.refused',
      });
  }
}

function nameOf(version: ModelVersion): string {
  return `${version.model} ${versionLabel(version)}`;
}
