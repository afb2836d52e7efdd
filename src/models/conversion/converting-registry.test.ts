import { describe, expect, it } from 'vitest';
import { aSignature, aVersion } from '../../../test/support/serving-fakes.ts';
import { AppError } from '../../kernel/errors.ts';
import { type Logger, silentLogger } from '../../kernel/logger.ts';
import type { ModelRegistry, VersionArtifact } from '../registry/registry.ts';
import type { ModelArtifact } from '../runtimes/runtime.ts';
import type { ConversionOutcome, ConversionStore } from './conversion-store.ts';
import type { ProvedConversion } from './convert-model.ts';
import { ConvertingRegistry } from './converting-registry.ts';

const VERSION = aVersion({ flavor: 'sklearn', metadata: { auc: 0.9 } });

function artifactOf(format: ModelArtifact['format']): VersionArtifact {
  const declared = { inputs: null, outputs: null, params: [], task: null, labels: null, positiveLabel: null };
  const origin = { registry: 'embedded', digest: VERSION.digest } as const;
  const artifact = { format, flavor: format, entry: 'model', files: new Map(), declared, origin };
  return { version: VERSION, artifact, golden: [], signature: aSignature() };
}

class FakeStore implements ConversionStore {
  outcome: ConversionOutcome | null = null;
  kept: string[] = [];

  async read(): Promise<ConversionOutcome | null> {
    return this.outcome;
  }

  async keepProof(): Promise<ConversionOutcome> {
    this.kept.push('proof');
    this.outcome = { is: 'proved', converted: artifactOf('onnx'), proof: { precision: 'float64' } };
    return this.outcome;
  }

  async keepRefusal(_version: unknown, reason: string): Promise<ConversionOutcome> {
    this.kept.push(reason);
    this.outcome = { is: 'refused', reason };
    return this.outcome;
  }
}

interface Setting {
  readonly convert?: (signal: AbortSignal) => Promise<ProvedConversion>;
  readonly format?: ModelArtifact['format'];
  readonly isMeant?: boolean;
  readonly timeoutMs?: number;
}

function converting({ convert, format = 'python', isMeant = true, timeoutMs = 60_000 }: Setting) {
  const store = new FakeStore();
  const told: string[] = [];
  const logger: Logger = {
    ...silentLogger,
    info: (message) => void told.push(message),
    warn: (message) => void told.push(message),
  };
  let conversions = 0;
  const registry = new ConvertingRegistry({
    registry: { fetch: async () => artifactOf(format) } as unknown as ModelRegistry,
    store,
    isMeant: () => isMeant,
    convert: (_original, signal) => {
      conversions++;
      return convert?.(signal) ?? Promise.resolve({} as ProvedConversion);
    },
    timeoutMs,
    logger,
  });
  return { registry, store, told, conversions: () => conversions };
}

const failing = (error: unknown) => () => Promise.reject(error);

describe('ConvertingRegistry', () => {
  it('gives the graph where the proof holds, converts once, and says so once', async () => {
    const { registry, told, conversions } = converting({});
    const fetched = await registry.fetch(VERSION);
    expect(fetched.artifact.format).toBe('onnx');
    expect(fetched.version.metadata).toEqual({
      auc: 0.9,
      conversion: { served_as: 'onnx', precision: 'float64' },
    });
    await registry.fetch(VERSION);
    expect(conversions()).toBe(1);
    expect(told.filter((line) => line.includes('served as ONNX'))).toHaveLength(1);
  });

  it('gives the original where the proof does not hold, and remembers that', async () => {
    const refusal = new AppError('CONVERSION_REFUSED', 'row 3 differs');
    const { registry, store, told, conversions } = converting({ convert: failing(refusal) });
    for (let load = 0; load < 2; load++) {
      const { artifact, version } = await registry.fetch(VERSION);
      expect(artifact.format).toBe('python');
      expect(version.metadata['conversion']).toEqual({ served_as: 'python', reason: 'row 3 differs' });
    }
    expect(store.kept).toEqual(['row 3 differs']);
    expect(conversions()).toBe(1);
    expect(told).toContain('risk 1 is served by Python: row 3 differs');
  });

  it.each([new AppError('ENVIRONMENT_INCOMPLETE', 'pip install skl2onnx'), new Error('disk full')])(
    'gives the original after a failure that may pass, and tries again: %s',
    async (error) => {
      const { registry, store, conversions } = converting({ convert: failing(error) });
      for (let load = 0; load < 2; load++)
        expect((await registry.fetch(VERSION)).artifact.format).toBe('python');
      expect(conversions()).toBe(2);
      expect(store.kept).toEqual([]);
    },
  );

  const untilAborted = (signal: AbortSignal) =>
    new Promise<never>((_, reject) => {
      if (signal.aborted) reject(signal.reason);
      signal.addEventListener('abort', () => reject(signal.reason));
    });

  it('gives the original when a conversion takes too long', async () => {
    const { registry } = converting({ convert: untilAborted, timeoutMs: 1 });
    expect((await registry.fetch(VERSION)).artifact.format).toBe('python');
  });

  it('ends a conversion when the server stops', async () => {
    const { registry } = converting({ convert: untilAborted });
    const fetched = registry.fetch(VERSION);
    registry.close();
    expect((await fetched).version.metadata['conversion']).toMatchObject({ served_as: 'python' });
  });

  it('leaves other formats and other models alone', async () => {
    for (const setting of [{ format: 'onnx' as const }, { isMeant: false }]) {
      const { registry, conversions } = converting(setting);
      expect((await registry.fetch(VERSION)).version).toBe(VERSION);
      expect(conversions()).toBe(0);
    }
  });
});
