import { AppError, messageOf } from '../../../kernel/errors.ts';
import type { InputRecord } from '../../record-check.ts';
import type { ElementType, GraphTensors, Signature } from '../../signature.ts';
import type { DeclaredInput, ModelArtifact, RowOutput, Runtime, RuntimeModel } from '../runtime.ts';
import { shapeOf } from '../value-shape.ts';
import { bindInputs, type InputBinding, type TensorPort } from './bind-inputs.ts';
import { decodeOutputs } from './decode-outputs.ts';
import { compileEncoder, compileVectorEncoder } from './encode.ts';
import { type OnnxGraph, readGraph } from './graph.ts';
import { interpretOutputs, type OutputPlan } from './interpret-outputs.ts';
import type { GraphSource, InputTensor, OnnxSession, OpenSession, SessionPort } from './session.ts';
import { cutZipMaps } from './zip-map.ts';

/** ONNX models, run in sessions of onnxruntime. */
export class OnnxRuntime implements Runtime {
  readonly #open: OpenSession;

  constructor(open: OpenSession) {
    this.#open = open;
  }

  async load(artifact: ModelArtifact): Promise<RuntimeModel> {
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
    const session = await this.#openSession({ model, externalData });
    try {
      const inputs = ports(session.inputs);
      const binding = bindInputs(inputs, artifact.declared.inputs, handlesMissing(graph));
      const plan = interpretOutputs(ports(session.outputs), { graph, cut }, artifact.declared);
      return new OnnxModel(session, binding, plan, declaredAs(artifact.declared.inputs));
    } catch (error) {
      await session.release();
      throw error;
    }
  }

  async #openSession(source: GraphSource): Promise<OnnxSession> {
    try {
      return await this.#open(source);
    } catch (error) {
      throw new AppError('MODEL_UNREADABLE', `onnxruntime cannot load the model: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }
}

class OnnxModel implements RuntimeModel {
  readonly signature: Signature;
  readonly maxRows: number;
  readonly lanes: number;
  readonly #session: OnnxSession;
  readonly #plan: OutputPlan;
  readonly #encoders: readonly {
    readonly name: string;
    readonly type: ElementType;
    readonly encode: ReturnType<typeof compileEncoder>;
    readonly encodeVectors: ReturnType<typeof compileVectorEncoder>;
  }[];
  readonly #freeFields: readonly string[];

  constructor(
    session: OnnxSession,
    binding: InputBinding,
    plan: OutputPlan,
    declared: Pick<GraphTensors, 'declared'>,
  ) {
    this.#session = session;
    this.#plan = plan;
    this.#encoders = binding.tensors.map((tensor) => ({
      name: tensor.name,
      type: tensor.type,
      encode: compileEncoder(tensor),
      encodeVectors: compileVectorEncoder(tensor, binding.fields),
    }));
    this.#freeFields = binding.fields.filter((field) => field.shape.includes(-1)).map((field) => field.name);
    this.maxRows = binding.maxRows;
    this.lanes = session.lanes;
    this.signature = {
      fields: binding.fields,
      acceptsArray: binding.acceptsArray,
      output: plan.spec,
      tensors: { matrix: binding.matrix, ...declared, outputs: plan.tensors },
    };
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

  async runVectors(vectors: Float32Array, count: number): Promise<readonly RowOutput[]> {
    const feeds: Record<string, InputTensor> = {};
    for (const { name, type, encodeVectors } of this.#encoders)
      feeds[name] = { type, ...encodeVectors(vectors, count) };
    return this.#runFeeds(feeds, count);
  }

  async release(): Promise<void> {
    await this.#session.release();
  }

  async #runSameShape(rows: readonly InputRecord[]): Promise<readonly RowOutput[]> {
    const feeds: Record<string, InputTensor> = {};
    for (const { name, type, encode } of this.#encoders) feeds[name] = { type, ...encode(rows) };
    return this.#runFeeds(feeds, rows.length);
  }

  async #runFeeds(
    feeds: Readonly<Record<string, InputTensor>>,
    count: number,
  ): Promise<readonly RowOutput[]> {
    try {
      const outputs = await this.#session.run(feeds, this.#plan.fetches);
      return decodeOutputs(this.#plan, outputs, count);
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

function declaredAs(inputs: readonly DeclaredInput[] | null): Pick<GraphTensors, 'declared'> {
  if (inputs === null || inputs.length === 0) return {};
  return { declared: inputs.some((input) => input.shape === null) ? 'columns' : 'tensors' };
}

function externalFiles(artifact: ModelArtifact, graph: OnnxGraph): GraphSource['externalData'] {
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

function ports(described: readonly SessionPort[]): readonly TensorPort[] {
  return described.map(({ name, type, shape }) => {
    if (type === null) {
      throw new AppError('MODEL_UNSUPPORTED', `"${name}" is not a tensor of numbers, booleans or strings`);
    }
    return { name, type, shape };
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
