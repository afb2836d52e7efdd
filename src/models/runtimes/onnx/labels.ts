import type { BinaryReader } from '@bufbuild/protobuf/wire';
import { WireType } from '@bufbuild/protobuf/wire';
import type { Label } from '../../signature.ts';
import { eachField, type OnnxGraph, type OnnxNode } from './graph.ts';

const LABEL_ATTRIBUTES = ['classlabels_strings', 'classlabels_int64s', 'classlabels_ints'];
const MAX_STEPS = 64;

/**
 * Class labels in the order of the probabilities, found by walking from an output towards the inputs: in the
 * attributes of ZipMap and of the classifier operators of ai.onnx.ml, or in the constant that skl2onnx indexes with
 * the winning column (ArrayFeatureExtractor). Null when the graph does not tell.
 */
export function findLabels(
  graph: OnnxGraph,
  cut: readonly OnnxNode[],
  labelOutput: string | null,
): readonly Label[] | null {
  for (const node of cut) {
    const labels = labelsOf(node, graph);
    if (labels !== null) return labels;
  }
  if (labelOutput === null) return null;
  const producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const seen = new Set<OnnxNode>();
  const queue = [labelOutput];
  while (queue.length > 0 && seen.size < MAX_STEPS) {
    const node = producers.get(queue.shift() ?? '');
    if (node === undefined || seen.has(node)) continue;
    seen.add(node);
    const labels = labelsOf(node, graph);
    if (labels !== null) return labels;
    queue.push(...node.inputs);
  }
  return null;
}

function labelsOf(node: OnnxNode, graph: OnnxGraph): readonly Label[] | null {
  for (const name of LABEL_ATTRIBUTES) {
    const attribute = node.attributes.get(name);
    const labels = attribute === undefined ? [] : readLabelAttribute(attribute);
    if (labels.length > 0) return labels;
  }
  if (node.opType !== 'ArrayFeatureExtractor') return null;
  const tensor = graph.initializers.get(node.inputs[0] ?? '');
  const labels = tensor === undefined ? [] : readLabelTensor(tensor);
  return labels.length > 0 ? labels : null;
}

function readLabelAttribute(attribute: Uint8Array): readonly Label[] {
  const labels: Label[] = [];
  eachField(attribute, (field, wire, reader) => {
    if (field === 8) labels.push(...readIntegers(wire, reader));
    else if (field === 9) labels.push(reader.string());
    else return false;
    return true;
  });
  return labels;
}

function readLabelTensor(tensor: Uint8Array): readonly Label[] {
  const INT32 = 6;
  const INT64 = 7;
  const labels: Label[] = [];
  let type = 0;
  let raw: Uint8Array | null = null;
  eachField(tensor, (field, wire, reader) => {
    if (field === 2) type = reader.int32();
    else if (field === 5 || field === 7) labels.push(...readIntegers(wire, reader));
    else if (field === 6) labels.push(reader.string());
    else if (field === 9) raw = reader.bytes();
    else return false;
    return true;
  });
  if (raw !== null && (type === INT32 || type === INT64))
    labels.push(...readRaw(raw, type === INT32 ? 4 : 8));
  return labels;
}

function readIntegers(wire: WireType, reader: BinaryReader): readonly number[] {
  if (wire !== WireType.LengthDelimited) return [Number(reader.int64())];
  const end = reader.uint32() + reader.pos;
  const integers: number[] = [];
  while (reader.pos < end) integers.push(Number(reader.int64()));
  return integers;
}

function readRaw(raw: Uint8Array, width: 4 | 8): readonly number[] {
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  return Array.from({ length: Math.floor(raw.byteLength / width) }, (_, i) =>
    width === 4 ? view.getInt32(i * 4, true) : Number(view.getBigInt64(i * 8, true)),
  );
}
