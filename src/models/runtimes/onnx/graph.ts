import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { AppError } from '../../../kernel/errors.ts';

/**
 * As much of an ONNX model as serving needs, read on the wire level: fields that are not named here are never
 * decoded, so a large model costs little. Field numbers are those of onnx/onnx.proto (IR version 3 and later).
 */
export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  readonly outputs: readonly OnnxValue[];
  /** Serialized TensorProto by name. */
  readonly initializers: ReadonlyMap<string, Uint8Array>;
  /** Paths that tensors with external data name. */
  readonly externalFiles: ReadonlySet<string>;
  /** What the graph takes for a missing text. */
  readonly missingText: string;
}

export interface OnnxNode {
  readonly opType: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Serialized AttributeProto by name. */
  readonly attributes: ReadonlyMap<string, Uint8Array>;
}

export interface OnnxValue {
  readonly name: string;
  /** False for sequences, maps and optionals. */
  readonly isTensor: boolean;
}

export const MODEL_GRAPH = 7;
const MODEL_METADATA = 14;
export const GRAPH_NODE = 1;
export const GRAPH_OUTPUT = 12;
const GRAPH_INITIALIZER = 5;

type Visit = (field: number, wire: WireType, reader: BinaryReader) => boolean;

/** Property in the metadata of a graph that `slipway convert` made: a tensor of texts has no missing ones. */
const MISSING_TEXT = 'slipway.missing_text';

/** Calls `visit` for each field; a field that it does not take (answers false) is skipped. */
export function eachField(message: Uint8Array, visit: Visit): void {
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    if (!visit(field, wire, reader)) reader.skip(wire, field);
  }
}

/** Reads a serialized ModelProto; MODEL_UNREADABLE when it is none. */
export function readGraph(model: Uint8Array): OnnxGraph {
  let graph: Uint8Array | null = null;
  let missingText = '';
  try {
    eachField(model, (field, wire, reader) => {
      if (wire !== WireType.LengthDelimited) return false;
      if (field === MODEL_GRAPH) graph = reader.bytes();
      else if (field === MODEL_METADATA) {
        const [key, value] = readEntry(reader.bytes());
        if (key === MISSING_TEXT) missingText = value;
      } else return false;
      return true;
    });
    if (graph === null) throw new Error('it holds no graph');
    return { ...readGraphProto(graph), missingText };
  } catch (error) {
    throw new AppError(
      'MODEL_UNREADABLE',
      'The file is not a whole ONNX model: export it again, or compare its size with the original',
      {
        cause: error,
      },
    );
  }
}

function readGraphProto(graph: Uint8Array): Omit<OnnxGraph, 'missingText'> {
  const nodes: OnnxNode[] = [];
  const outputs: OnnxValue[] = [];
  const initializers = new Map<string, Uint8Array>();
  const externalFiles = new Set<string>();
  eachField(graph, (field, _wire, reader) => {
    if (field === GRAPH_NODE) nodes.push(readNode(reader.bytes()));
    else if (field === GRAPH_OUTPUT) outputs.push(readValue(reader.bytes()));
    else if (field === GRAPH_INITIALIZER) {
      const tensor = reader.bytes();
      const { name, externalFile } = readTensorHeader(tensor);
      initializers.set(name, tensor);
      if (externalFile !== null) externalFiles.add(externalFile);
    } else return false;
    return true;
  });
  return { nodes, outputs, initializers, externalFiles };
}

export function readNode(node: Uint8Array): OnnxNode {
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes = new Map<string, Uint8Array>();
  let opType = '';
  eachField(node, (field, _wire, reader) => {
    if (field === 1) inputs.push(reader.string());
    else if (field === 2) outputs.push(reader.string());
    else if (field === 4) opType = reader.string();
    else if (field === 5) {
      const attribute = reader.bytes();
      attributes.set(nameOf(attribute, 1), attribute);
    } else return false;
    return true;
  });
  return { opType, inputs, outputs, attributes };
}

export function readValue(value: Uint8Array): OnnxValue {
  let isTensor = false;
  let name = '';
  eachField(value, (field, _wire, reader) => {
    if (field === 1) name = reader.string();
    else if (field === 2) {
      eachField(reader.bytes(), (kind) => {
        if (kind === 1) isTensor = true;
        return false;
      });
    } else return false;
    return true;
  });
  return { name, isTensor };
}

function nameOf(message: Uint8Array, nameField: number): string {
  let name = '';
  eachField(message, (field, _wire, reader) => {
    if (field !== nameField) return false;
    name = reader.string();
    return true;
  });
  return name;
}

function readTensorHeader(tensor: Uint8Array): { name: string; externalFile: string | null } {
  let name = '';
  let externalFile: string | null = null;
  eachField(tensor, (field, _wire, reader) => {
    if (field === 8) name = reader.string();
    else if (field === 13) {
      const [key, value] = readEntry(reader.bytes());
      if (key === 'location') externalFile = value;
    } else return false;
    return true;
  });
  return { name, externalFile };
}

function readEntry(entry: Uint8Array): readonly [string, string] {
  let key = '';
  let value = '';
  eachField(entry, (field, _wire, reader) => {
    if (field === 1) key = reader.string();
    else if (field === 2) value = reader.string();
    else return false;
    return true;
  });
  return [key, value];
}
