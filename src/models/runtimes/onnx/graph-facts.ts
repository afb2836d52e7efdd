import type { OutputFacts } from '../tensors/interpret-outputs.ts';
import type { OnnxGraph, OnnxNode } from './graph.ts';
import { findLabels } from './labels.ts';

/** What the graph, and the ZipMaps that were cut off it, tell of its outputs. */
export function factsOf(graph: OnnxGraph, cut: readonly OnnxNode[]): OutputFacts {
  return {
    labelsOf: (output) => findLabels(graph, cut, output),
    madeBy: (output) => producerOf(output, graph),
    mapNameOf: (output) => cut.find((node) => node.inputs[0] === output)?.outputs[0] ?? null,
  };
}

function producerOf(output: string, graph: OnnxGraph): string | null {
  const PASS_THROUGH = new Set(['Identity', 'Reshape', 'Squeeze', 'Flatten', 'Cast']);
  let name = output;
  for (let steps = 0; steps < 8; steps++) {
    const node = graph.nodes.find((candidate) => candidate.outputs.includes(name));
    if (node === undefined) return null;
    if (!PASS_THROUGH.has(node.opType)) return node.opType;
    name = node.inputs[0] ?? '';
  }
  return null;
}
