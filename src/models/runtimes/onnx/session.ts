import type { ElementType } from '../../signature.ts';
import type { TensorPort } from '../tensors/bind-inputs.ts';
import type { TensorSession } from '../tensors/tensor-model.ts';

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

/** A graph that is ready to run; `run` throws what onnxruntime throws. */
export interface OnnxSession extends TensorSession {
  readonly inputs: readonly SessionPort[];
  readonly outputs: readonly SessionPort[];
}

/** Throws what onnxruntime throws of a graph that it cannot load. */
export type OpenSession = (source: GraphSource) => Promise<OnnxSession>;
