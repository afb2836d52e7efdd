import { readFileSync } from 'node:fs';
import { InferenceSession, Tensor } from 'onnxruntime-node';

/**
 * What onnxruntime itself does with rows that are parsed already: tensors built, one session on one thread run, outputs
 * read. Usage: node raw-onnx.mjs MODEL BATCH_FILE SECONDS; prints rows a second.
 */
const WARM_UP_MS = 500;
const [modelFile, batchFile, seconds] = process.argv.slice(2);
const rows = JSON.parse(readFileSync(batchFile, 'utf8')).instances;
const session = await InferenceSession.create(modelFile, { intraOpNumThreads: 1, interOpNumThreads: 1 });

await runFor(WARM_UP_MS);
process.stdout.write(`${await runFor(Number(seconds) * 1000)}\n`);

async function runFor(ms) {
  const startedAt = performance.now();
  let done = 0;
  while (performance.now() - startedAt < ms) done += (await predict()).length;
  return (done / (performance.now() - startedAt)) * 1000;
}

async function predict() {
  const feeds = {};
  for (const { name, type } of session.inputMetadata) feeds[name] = tensorOf(name, type);
  const { label, probabilities } = await session.run(feeds);
  const width = probabilities.dims[1];
  return rows.map((_, row) => ({
    prediction: label.data[row],
    probabilities: probabilities.data.subarray(row * width, (row + 1) * width),
  }));
}

function tensorOf(name, type) {
  const shape = [rows.length, 1];
  if (type === 'string')
    return new Tensor(
      'string',
      rows.map((row) => row[name]),
      shape,
    );
  return new Tensor(
    'float32',
    Float32Array.from(rows, (row) => row[name]),
    shape,
  );
}
