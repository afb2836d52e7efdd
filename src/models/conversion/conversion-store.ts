import type { JsonObject } from '../../kernel/json.ts';
import type { ModelVersion } from '../model-version.ts';
import type { VersionArtifact } from '../registry/registry.ts';
import type { ProvedConversion } from './convert-model.ts';

/** What became of a conversion: the version as a graph, or why it stays what it is. */
export type ConversionOutcome =
  | { readonly is: 'proved'; readonly converted: VersionArtifact; readonly proof: JsonObject }
  | { readonly is: 'refused'; readonly reason: string };

/** Keeps what became of conversions, by the digest of the original. */
export interface ConversionStore {
  /** Null where it was never tried, or by another release. */
  read(version: ModelVersion): Promise<ConversionOutcome | null>;
  keepProof(version: ModelVersion, proved: ProvedConversion): Promise<ConversionOutcome>;
  keepRefusal(version: ModelVersion, reason: string): Promise<ConversionOutcome>;
}
