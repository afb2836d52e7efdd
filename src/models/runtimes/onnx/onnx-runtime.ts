import { AppError, messageOf } from '../../../kernel/errors.ts';
import type { Field } from '../../signature.ts';
import type { DeclaredModel, ModelArtifact, Runtime, RuntimeModel } from '../runtime.ts';
import { bindInputs, type TensorPort } from '../tensors/bind-inputs.ts';
import { interpretOutputs } from '../tensors/interpret-outputs.ts';
import { TensorModel } from '../tensors/tensor-model.ts';
import { type OnnxGraph, readGraph } from './graph.ts';
import { factsOf } from './graph-facts.ts';
import type { GraphSource, OnnxSession, OpenSession, SessionPort } from './session.ts';
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
      const { declared } = artifact;
      const bound = bindInputs(inputs, declared.inputs, handlesMissing(graph));
      const binding = { ...bound, fields: bound.fields.map((field) => withRules(field, declared)) };
      const plan = interpretOutputs(ports(session.outputs), factsOf(graph, cut), declared);
      const { missingText } = graph;
      return new TensorModel(session, { binding, plan, declared: declared.inputs, failureOf, missingText });
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

/** A field with what its author says of it beside its type. */
function withRules(field: Field, { oneOf = {}, mustBeSent = [] }: DeclaredModel): Field {
  const texts = Object.hasOwn(oneOf, field.name) ? oneOf[field.name] : undefined;
  return {
    ...field,
    required: field.required || mustBeSent.includes(field.name),
    ...(texts !== undefined && field.type === 'string' && { oneOf: texts }),
  };
}

function failureOf(error: unknown): AppError {
  return new AppError('INFERENCE_FAILED', `onnxruntime: ${messageOf(error)}`, { cause: error });
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
