import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import {
  GRAPH_NODE,
  GRAPH_OUTPUT,
  MODEL_GRAPH,
  type OnnxGraph,
  type OnnxNode,
  readNode,
  readValue,
} from './graph.ts';

/**
 * skl2onnx and onnxmltools end a classifier with ZipMap, which turns the probability matrix into a sequence of maps
 * that onnxruntime-node cannot return. The labels are in the node's attributes, so it is taken out of the graph and
 * its input becomes the output. Everything else of the model is copied byte for byte.
 */
export interface ZipMapCut {
  readonly model: Uint8Array;
  readonly cut: readonly OnnxNode[];
}

const FLOAT = 1;

export function cutZipMaps(model: Uint8Array, graph: OnnxGraph): ZipMapCut {
  const outputs = new Set(graph.outputs.map((output) => output.name));
  const cut = graph.nodes.filter(
    (node) => node.opType === 'ZipMap' && node.outputs.some((name) => outputs.has(name)),
  );
  if (cut.length === 0) return { model, cut };
  const inputOf = new Map(cut.map((node) => [node.outputs[0] ?? '', node.inputs[0] ?? '']));
  const edited = copyFields(model, (field, content) => {
    if (field !== MODEL_GRAPH) return content;
    return copyFields(content, (inner, part) => {
      if (inner === GRAPH_NODE && isCut(readNode(part), inputOf)) return null;
      if (inner !== GRAPH_OUTPUT) return part;
      const input = inputOf.get(readValue(part).name);
      return input === undefined ? part : floatMatrix(input);
    });
  });
  return { model: edited, cut };
}

function isCut(node: OnnxNode, inputOf: ReadonlyMap<string, string>): boolean {
  return node.opType === 'ZipMap' && inputOf.has(node.outputs[0] ?? '');
}

/** Copies a message; `edit` sees each length-delimited field and may replace its content, or drop it with null. */
function copyFields(
  message: Uint8Array,
  edit: (field: number, content: Uint8Array) => Uint8Array | null,
): Uint8Array {
  const reader = new BinaryReader(message);
  const writer = new BinaryWriter();
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [field, wire] = reader.tag();
    if (wire !== WireType.LengthDelimited) {
      reader.skip(wire, field);
      writer.raw(message.subarray(start, reader.pos));
      continue;
    }
    const content = reader.bytes();
    const edited = edit(field, content);
    if (edited === content) writer.raw(message.subarray(start, reader.pos));
    else if (edited !== null) writer.tag(field, wire).bytes(edited);
  }
  return writer.finish();
}

/** A ValueInfoProto: a float tensor with two axes of unknown size. */
function floatMatrix(name: string): Uint8Array {
  const axis = new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(new Uint8Array()).finish();
  const shape = concat(axis, axis);
  const tensor = new BinaryWriter()
    .tag(1, WireType.Varint)
    .int32(FLOAT)
    .tag(2, WireType.LengthDelimited)
    .bytes(shape)
    .finish();
  const type = new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(tensor).finish();
  return new BinaryWriter()
    .tag(1, WireType.LengthDelimited)
    .string(name)
    .tag(2, WireType.LengthDelimited)
    .bytes(type)
    .finish();
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}
