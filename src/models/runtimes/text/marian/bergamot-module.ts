import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { compileFunction } from 'node:vm';
import { packageMissing } from '../optional-package.ts';

/** What is used of the classes that the module exports. Each object lies in its memory until `delete` is called. */
export interface BergamotModule {
  readonly AlignedMemory: new (bytes: number, alignment: number) => AlignedMemory;
  readonly AlignedMemoryList: new () => List<AlignedMemory>;
  readonly BlockingService: new (options: { cacheSize: number }) => BlockingService;
  readonly TranslationModel: new (
    config: string,
    model: AlignedMemory,
    shortlist: AlignedMemory,
    vocabularies: List<AlignedMemory>,
    quality: null,
  ) => Deletable;
  readonly VectorString: new () => List<string>;
  readonly VectorResponseOptions: new () => List<ResponseOptions>;
}

export interface Deletable {
  delete(): void;
}

export interface AlignedMemory extends Deletable {
  getByteArrayView(): Int8Array;
}

export interface BlockingService extends Deletable {
  translate(model: Deletable, texts: List<string>, options: List<ResponseOptions>): Responses;
}

interface List<Item> extends Deletable {
  push_back(item: Item): void;
}

interface ResponseOptions {
  readonly alignment: boolean;
  readonly html: boolean;
  readonly qualityScores: boolean;
}

interface Responses extends Deletable {
  get(index: number): Deletable & { getTranslatedText(): string };
}

const PACKAGE = '@browsermt/bergamot-translator';
const GLUE = `${PACKAGE}/worker/bergamot-translator-worker.js`;
/** Products of eight-bit matrices, which a browser may bring; the module has its own under these names. */
const MATRIX_FUNCTIONS: Readonly<Record<string, string>> = {
  int8_prepare_a: 'int8PrepareAFallback',
  int8_prepare_b: 'int8PrepareBFallback',
  int8_prepare_b_from_transposed: 'int8PrepareBFromTransposedFallback',
  int8_prepare_b_from_quantized_transposed: 'int8PrepareBFromQuantizedTransposedFallback',
  int8_prepare_bias: 'int8PrepareBiasFallback',
  int8_multiply_and_add_bias: 'int8MultiplyAndAddBiasFallback',
  int8_select_columns_of_b: 'int8SelectColumnsOfBFallback',
};

/** TypeScript has no types of this without those of a browser. */
const { WebAssembly: webAssembly } = globalThis as unknown as {
  readonly WebAssembly: {
    instantiate(binary: Uint8Array, imports: object): Promise<{ readonly instance: object }>;
  };
};

type Exports = Record<string, (...values: unknown[]) => unknown>;

/**
 * Starts the WebAssembly module of the package. Its own worker file is left alone: Node takes that for an ES module, which
 * it is not, and it would answer the messages of the thread that it runs on. What the compiler made of the C++ (the glue)
 * is run as the body of a function instead.
 */
export async function startBergamot(): Promise<BergamotModule> {
  const glue = gluePath();
  const [source, binary] = await Promise.all([
    readFile(glue, 'utf8'),
    readFile(path.join(path.dirname(glue), 'bergamot-translator-worker.wasm')),
  ]);
  const silent = (): void => undefined;
  return new Promise((resolve, reject) => {
    const module: Record<string, unknown> = {
      print: silent,
      printErr: silent,
      onRuntimeInitialized: () => resolve(module as unknown as BergamotModule),
      instantiateWasm(imports: object, accept: (instance: object) => void): object {
        const own = Object.entries(MATRIX_FUNCTIONS).map(([wanted, name]) => [
          wanted,
          (...values: unknown[]) => (module['asm'] as Exports)[name]?.(...values),
        ]);
        webAssembly
          .instantiate(binary, { ...imports, wasm_gemm: Object.fromEntries(own) })
          .then(({ instance }) => accept(instance), reject);
        return {};
      },
    };
    compileFunction(source, ['Module'], { filename: glue })(module);
  });
}

/** The package is found where this code lies, as any other. */
function gluePath(): string {
  try {
    return createRequire(import.meta.url).resolve(GLUE);
  } catch (error) {
    throw packageMissing(PACKAGE, error);
  }
}
