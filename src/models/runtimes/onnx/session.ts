import type { ElementType } from '../../signature.ts';
import type { TensorPort } from './bind-inputs.ts';
import type { OutputTensor } from './decode-outputs.ts';
import type { EncodedTensor } from './encode.ts';

/** A graph, with the files of its weights that lie beside it. */
export interface GraphSource {
  readonly model: Uint8Array;
  readonly externalData: readonly { readonly path: string; readonly data: Uint8Array }[];
}

/** An input or output as onnxruntime describes it. */
export interface SessionPort extends Omit<TensorPort, 'type'> {
  /** Null for what is no tensor, or one of a type that JSON has no values for. */
  readonly type: ElementType | null;
}

export interface InputTensor extends EncodedTensor {
  readonly type: ElementType;
}

/** A graph that is ready to run. */
export interface OnnxSession {
  readonly inputs: readonly SessionPort[];
  readonly outputs: readonly SessionPort[];
  /** Runs that may be under way at a time. */
  readonly lanes: number;
  /** The outputs named in `fetches`. The feeds may be used anew once it returns. Throws what onnxruntime throws. */
  run(
    feeds: Readonly<Record<string, InputTensor>>,
    fetches: readonly string[],
  ): Readonly<Record<string, OutputTensor>> | Promise<Readonly<Record<string, OutputTensor>>>;
  release(): void | Promise<void>;
}

/** Throws what onnxruntime throws of a graph that it cannot load. */
export type OpenSession = (source: GraphSource) => Promise<OnnxSession>;
