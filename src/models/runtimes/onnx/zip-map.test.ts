import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { describe, expect, it } from 'vitest';
import { GRAPH_NODE, GRAPH_OUTPUT, MODEL_GRAPH, readGraph, readValue } from './graph.ts';
import { cutZipMaps } from './zip-map.ts';

const bytes = (field: number, content: Uint8Array): Uint8Array =>
  new BinaryWriter().tag(field, WireType.LengthDelimited).bytes(content).finish();
const text = (field: number, value: string): Uint8Array => bytes(field, new TextEncoder().encode(value));
const join = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

function node(opType: string, input: string, output: string): Uint8Array {
  return bytes(
    GRAPH_NODE,
    join(text(1, input), text(2, output), text(4, opType), bytes(5, text(1, 'attribute'))),
  );
}

function output(name: string): Uint8Array {
  return bytes(GRAPH_OUTPUT, join(text(1, name), bytes(2, bytes(4, new Uint8Array()))));
}

/** Field 900 and its four wire types are in no schema: a later version of ONNX may have them. */
const UNKNOWN = join(
  new BinaryWriter().tag(900, WireType.Varint).uint32(300).finish(),
  new BinaryWriter().tag(901, WireType.Bit32).fixed32(7).finish(),
  new BinaryWriter().tag(902, WireType.Bit64).fixed64(9n).finish(),
  bytes(903, new Uint8Array([255, 0, 255])),
);
/** A varint that is longer than it must be: a decoder that writes anew would make it shorter. */
const LONG_VARINT = new Uint8Array([0x08, 0x88, 0x80, 0x00, 0x2a, 0x83, 0x80, 0x00, 1, 2, 3]);

function model(graph: Uint8Array): Uint8Array {
  return join(
    LONG_VARINT,
    text(2, 'skl2onnx'),
    UNKNOWN,
    bytes(MODEL_GRAPH, graph),
    text(6, 'behind the graph'),
  );
}

function fieldsOf(message: Uint8Array): { field: number; raw: string }[] {
  const reader = new BinaryReader(message);
  const fields: { field: number; raw: string }[] = [];
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [field, wire] = reader.tag();
    reader.skip(wire, field);
    fields.push({ field, raw: Buffer.from(message.subarray(start, reader.pos)).toString('hex') });
  }
  return fields;
}

function graphOf(message: Uint8Array): Uint8Array {
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    if (field === MODEL_GRAPH) return reader.bytes();
    reader.skip(wire, field);
  }
  throw new Error('no graph');
}

const hex = (content: Uint8Array): string => Buffer.from(content).toString('hex');

describe('cutZipMaps', () => {
  it('hands a model without one back as it is', () => {
    const plain = model(join(node('Normalizer', 'scores', 'probabilities'), output('probabilities')));
    const { model: edited, cut } = cutZipMaps(plain, readGraph(plain));
    expect(edited).toBe(plain);
    expect(cut).toEqual([]);
  });

  it('takes the node out, makes its input the output, and keeps every other byte', () => {
    const before = join(node('TreeEnsembleClassifier', 'x', 'scores'), text(2, 'graph name'), UNKNOWN);
    const between = join(bytes(5, text(8, 'weights')), bytes(11, text(1, 'x')), output('label'));
    const whole = model(
      join(before, node('ZipMap', 'scores', 'probabilities'), between, output('probabilities')),
    );
    const { model: edited, cut } = cutZipMaps(whole, readGraph(whole));

    expect(cut.map(({ opType, inputs, outputs }) => ({ opType, inputs, outputs }))).toEqual([
      { opType: 'ZipMap', inputs: ['scores'], outputs: ['probabilities'] },
    ]);
    expect([...(cut[0]?.attributes.keys() ?? [])]).toEqual(['attribute']);
    const outside = (message: Uint8Array): string[] =>
      fieldsOf(message).flatMap(({ field, raw }) => (field === MODEL_GRAPH ? ['graph'] : [raw]));
    expect(outside(edited)).toEqual(outside(whole));
    const kept = fieldsOf(graphOf(edited));
    const expected = fieldsOf(join(before, between));
    expect(kept.slice(0, -1)).toEqual(expected);
    const last = new BinaryReader(Buffer.from(kept.at(-1)?.raw ?? '', 'hex'));
    expect(last.tag()[0]).toBe(GRAPH_OUTPUT);
    expect(readValue(last.bytes())).toEqual({ name: 'scores', isTensor: true });
    expect(hex(graphOf(edited))).toContain(hex(before) + hex(between));
  });

  it('leaves alone a ZipMap whose output nobody asks for', () => {
    const whole = model(join(node('ZipMap', 'scores', 'unused'), output('label')));
    expect(cutZipMaps(whole, readGraph(whole)).model).toBe(whole);
  });

  it('cuts several', () => {
    const whole = model(
      join(
        node('ZipMap', 's1', 'p1'),
        output('p1'),
        node('ZipMap', 's2', 'p2'),
        output('p2'),
        output('label'),
      ),
    );
    const { model: edited, cut } = cutZipMaps(whole, readGraph(whole));
    expect(cut).toHaveLength(2);
    const graph = readGraph(edited);
    expect(graph.nodes).toEqual([]);
    expect(graph.outputs).toEqual([
      { name: 's1', isTensor: true },
      { name: 's2', isTensor: true },
      { name: 'label', isTensor: false },
    ]);
  });
});
