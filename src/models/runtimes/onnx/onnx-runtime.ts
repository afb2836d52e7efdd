import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { AppError, messageOf } from '../../../kernel/errors.ts';
import type { InputRecord } from '../../record-check.ts';
import { ELEMENT_TYPES, type ElementType, type Signature } from '../../signature.ts';
import type { LoadedModel, ModelArtifact, RowOutput, Runtime } from '../runtime.ts';
import { bindInputs, type InputBinding, type TensorPort } from './bind-inputs.ts';
import { decodeOutputs, type OutputTensor } from './decode-outputs.ts';
import { compileEncoder, shapeOf } from './encode.ts';
import { type OnnxGraph, readGraph } from './graph.ts';
import { interpretOutputs, type OutputPlan } from './interpret-outputs.ts';
import { cutZipMaps } from './zip-map.ts';

type Ort = typeof import('onnxruntime-node');

/** ONNX models through onnxruntime-node, one intra-op thread a session: two were slower (docs/architecture.md). */
export class OnnxRuntime implements Runtime {
  #ort: Promise<Ort> | null = null;

  async load(artifact: ModelArtifact): Promise<LoadedModel> {
    const content = artifact.files.get(artifact.entry);
    if (content === undefined)
      throw new AppError('MODEL_UNREADABLE', `The artifact has no file "${artifact.entry}"`);
    const graph = readGraph(content);
    const externalData = externalFiles(artifact, graph);
    const { model, cut } = cutZipMaps(content, graph);
    const left = graph.outputs.filter(
      (output) => !output.isTensor && !cut.some((node) => node.outputs.includes(output.name)),
    );
    if (left.length > 0) {
      const names = left.map((output) => `"${output.name}"`).join(', ');
      throw new AppError(
        'MODEL_UNSUPPORTED',
        `Output ${names} is a sequence or map: export the model with tensor outputs only`,
      );
    }
    this.#ort ??= import('onnxruntime-node');
    const ort = await this.#ort;
    const session = await createSession(ort, model, externalData);
    try {
      const inputs = ports(session.inputMetadata);
      const binding = bindInputs(inputs, artifact.declared.inputs, handlesMissing(graph));
      const plan = interpretOutputs(ports(session.outputMetadata), { graph, cut }, artifact.declared);
      return new OnnxModel(ort, session, binding, plan);
    } catch (error) {
      await session.release();
      throw error;
    }
  }
}

class OnnxModel implements LoadedModel {
  readonly signature: Signature;
  readonly maxRows: number;
  readonly #ort: Ort;
  readonly #session: InferenceSession;
  readonly #plan: OutputPlan;
  readonly #encoders: readonly {
    readonly name: string;
    readonly type: ElementType;
    readonly encode: ReturnType<typeof compileEncoder>;
  }[];
  readonly #freeFields: readonly string[];

  constructor(ort: Ort, session: InferenceSession, binding: InputBinding, plan: OutputPlan) {
    this.#ort = ort;
    this.#session = session;
    this.#plan = plan;
    this.#encoders = binding.tensors.map((tensor) => ({
      name: tensor.name,
      type: tensor.type,
      encode: compileEncoder(tensor),
    }));
    this.#freeFields = binding.fields.filter((field) => field.shape.includes(-1)).map((field) => field.name);
    this.maxRows = binding.maxRows;
    this.signature = { fields: binding.fields, acceptsArray: binding.acceptsArray, output: plan.spec };
  }

  async run(rows: readonly InputRecord[]): Promise<readonly RowOutput[]> {
    if (this.#freeFields.length === 0) return this.#runSameShape(rows);
    const outputs = new Array<RowOutput>(rows.length);
    for (const group of this.#groupByShape(rows)) {
      const answers = await this.#runSameShape(group.map((index) => rows[index] as InputRecord));
      group.forEach((index, i) => {
        outputs[index] = answers[i] as RowOutput;
      });
    }
    return outputs;
  }

  async release(): Promise<void> {
    await this.#session.release();
  }

  async #runSameShape(rows: readonly InputRecord[]): Promise<readonly RowOutput[]> {
    const feeds: Record<string, Tensor> = {};
    for (const { name, type, encode } of this.#encoders) {
      const { data, dims } = encode(rows);
      feeds[name] = new this.#ort.Tensor(type as 'float32', toTensorData(type, data) as Float32Array, dims);
    }
    try {
      const outputs = await this.#session.run(feeds, this.#plan.fetches as string[]);
      return decodeOutputs(this.#plan, outputs as unknown as Record<string, OutputTensor>, rows.length);
    } catch (error) {
      throw new AppError('INFERENCE_FAILED', `onnxruntime: ${messageOf(error)}`, { cause: error });
    }
  }

  #groupByShape(rows: readonly InputRecord[]): Iterable<readonly number[]> {
    const groups = new Map<string, number[]>();
    rows.forEach((row, index) => {
      const key = this.#freeFields.map((name) => shapeOf(row[name] ?? null).join('x')).join('|');
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [index]);
      else group.push(index);
    });
    return groups.values();
  }
}

/** From Node 24 on, onnxruntime takes half floats as Float16Array instead of their bits. */
function toTensorData(type: ElementType, data: unknown): unknown {
  const Float16 = (
    globalThis as { Float16Array?: new (buffer: ArrayBufferLike, offset: number, length: number) => unknown }
  ).Float16Array;
  if (type !== 'float16' || Float16 === undefined) return data;
  const bits = data as Uint16Array;
  return new Float16(bits.buffer, bits.byteOffset, bits.length);
}

async function createSession(
  ort: Ort,
  model: Uint8Array,
  externalData: readonly { path: string; data: Uint8Array }[],
): Promise<InferenceSession> {
  try {
    return await ort.InferenceSession.create(model, {
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      logSeverityLevel: 4,
      ...(externalData.length > 0 && { externalData }),
    });
  } catch (error) {
    throw new AppError('MODEL_UNREADABLE', `onnxruntime cannot load the model: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function externalFiles(
  artifact: ModelArtifact,
  graph: OnnxGraph,
): readonly { path: string; data: Uint8Array }[] {
  const folder = artifact.entry.includes('/')
    ? artifact.entry.slice(0, artifact.entry.lastIndexOf('/') + 1)
    : '';
  return [...graph.externalFiles].map((path) => {
    const data = artifact.files.get(folder + path);
    if (data === undefined) {
      throw new AppError(
        'MODEL_UNREADABLE',
        `The weights file "${path}" is missing: keep it beside ${artifact.entry}`,
      );
    }
    return { path, data };
  });
}

function ports(metadata: readonly InferenceSession.ValueMetadata[]): readonly TensorPort[] {
  return metadata.map((value) => {
    if (!value.isTensor || !(ELEMENT_TYPES as readonly string[]).includes(value.type)) {
      throw new AppError(
        'MODEL_UNSUPPORTED',
        `"${value.name}" is not a tensor of numbers, booleans or strings`,
      );
    }
    return { name: value.name, type: value.type as ElementType, shape: value.shape };
  });
}

/** Whether some operator of the graph knows what to do with NaN, so that a missing number may be sent. */
function handlesMissing(graph: OnnxGraph): boolean {
  return graph.nodes.some(
    (node) =>
      node.opType === 'Imputer' ||
      node.opType === 'IsNaN' ||
      node.attributes.has('nodes_missing_value_tracks_true'),
  );
}
