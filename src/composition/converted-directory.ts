import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { JsonObject } from '../kernel/json.ts';
import type { ConversionOutcome, ConversionStore } from '../models/conversion/conversion-store.ts';
import type { ProvedConversion } from '../models/conversion/convert-model.ts';
import { reportDocument } from '../models/conversion/report-document.ts';
import type { ModelVersion } from '../models/model-version.ts';
import { completeArtifact, pinnedFacts } from '../models/registry/artifacts/complete-artifact.ts';
import { parseMlmodel } from '../models/registry/artifacts/mlmodel.ts';
import { readArtifact } from '../models/registry/artifacts/read-artifact.ts';
import { writeFiles } from '../models/runtimes/private-directories.ts';
import type { Runtime } from '../models/runtimes/runtime.ts';
import { VERSION } from './version.ts';

const OUTCOME_FILE = 'conversion.json';
const GRAPH_FOLDER = 'model';

const outcomeSchema = z.union([
  z.object({ slipway: z.string(), proved: z.literal(true), proof: z.record(z.string(), z.json()) }),
  z.object({ slipway: z.string(), proved: z.literal(false), reason: z.string() }),
]);
type Outcome = z.infer<typeof outcomeSchema>;

/**
 * What became of conversions, a directory each that is named by the digest of the original and is whole or not there. A
 * refusal of another release is forgotten: its converter may know more.
 */
export class ConvertedDirectory implements ConversionStore {
  readonly #directory: string;
  readonly #runtime: Runtime;

  constructor(directory: string, runtime: Runtime) {
    this.#directory = directory;
    this.#runtime = runtime;
  }

  async read(version: ModelVersion): Promise<ConversionOutcome | null> {
    const place = this.#placeOf(version);
    const text = await readFile(path.join(place, OUTCOME_FILE), 'utf8').catch(() => null);
    if (text === null) return null;
    const outcome = outcomeSchema.parse(JSON.parse(text));
    if (!outcome.proved)
      return outcome.slipway === VERSION ? { is: 'refused', reason: outcome.reason } : null;
    const { registry, digest } = version;
    const artifact = await readArtifact(path.join(place, GRAPH_FOLDER), { registry, digest });
    const proof = outcome.proof as JsonObject;
    return { is: 'proved', converted: { version, artifact, ...pinnedFacts(artifact) }, proof };
  }

  async keepProof(version: ModelVersion, proved: ProvedConversion): Promise<ConversionOutcome> {
    const { declaration } = parseMlmodel(
      Buffer.from(proved.artifact.files.get('MLmodel') ?? []).toString('utf8'),
    );
    const files = await completeArtifact({ ...proved.artifact, declaration }, this.#runtime, proved.examples);
    const proof = reportDocument(proved);
    await this.#write(version, { slipway: VERSION, proved: true, proof: proof as never }, files);
    const artifact = { ...proved.artifact, files };
    return { is: 'proved', converted: { version, artifact, ...pinnedFacts(artifact) }, proof };
  }

  async keepRefusal(version: ModelVersion, reason: string): Promise<ConversionOutcome> {
    await this.#write(version, { slipway: VERSION, proved: false, reason }, new Map());
    return { is: 'refused', reason };
  }

  async #write(
    version: ModelVersion,
    outcome: Outcome,
    files: ReadonlyMap<string, Uint8Array>,
  ): Promise<void> {
    const staging = path.join(this.#directory, `.incoming-${randomUUID()}`);
    const place = this.#placeOf(version);
    try {
      const folder = path.join(staging, GRAPH_FOLDER);
      await mkdir(folder, { recursive: true, mode: 0o750 });
      await writeFiles(folder, files);
      await writeFile(path.join(staging, OUTCOME_FILE), `${JSON.stringify(outcome, null, 1)}\n`);
      await rm(place, { recursive: true, force: true });
      await rename(staging, place);
    } catch (error) {
      await rm(staging, { recursive: true, force: true });
      throw error;
    }
  }

  #placeOf({ digest }: ModelVersion): string {
    return path.join(this.#directory, (digest ?? 'none').replace('sha256:', ''));
  }
}
