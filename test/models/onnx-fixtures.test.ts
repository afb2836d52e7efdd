import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { MessageChannel } from 'node:worker_threads';
import { afterAll, describe, expect, it } from 'vitest';
import type { JsonValue } from '../../src/kernel/json.ts';
import { compileRecordCheck, type InputRecord } from '../../src/models/record-check.ts';
import { readArtifact } from '../../src/models/registry/artifacts/read-artifact.ts';
import type { RowTable } from '../../src/models/row-table.ts';
import { openNativeSession } from '../../src/models/runtimes/onnx/native-session.ts';
import { OnnxRuntime } from '../../src/models/runtimes/onnx/onnx-runtime.ts';
import { serveSessions } from '../../src/models/runtimes/onnx/serve-sessions.ts';
import type { OpenSession } from '../../src/models/runtimes/onnx/session.ts';
import { type SessionThread, ThreadSessions } from '../../src/models/runtimes/onnx/thread-sessions.ts';
import type { RowOutput, RuntimeModel } from '../../src/models/runtimes/runtime.ts';
import { compileTableReader } from '../../src/models/table-reader.ts';
import { rowOf } from '../../src/serving/row.ts';

/** `MODEL_FIXTURES` names a folder that make_models.py has just filled; the committed one otherwise. */
const FIXTURES = process.env['MODEL_FIXTURES'] ?? path.join(import.meta.dirname, 'fixtures');
const BROKEN = path.join(import.meta.dirname, 'broken');

interface Case {
  readonly rows: readonly JsonValue[];
  readonly expected: readonly { prediction: JsonValue; probabilities: Record<string, number> | null }[];
  readonly tolerance: number;
}

/** The other end of the thread's messages, on this thread: they are cloned and handed over as between two. */
function channelThread(): SessionThread {
  const { port1, port2 } = new MessageChannel();
  serveSessions(port1, openNativeSession);
  return Object.assign(port2, { terminate: async () => port1.close() }) as unknown as SessionThread;
}

const threads = new ThreadSessions(channelThread);
afterAll(() => threads.close());

/** Every way to run a graph; each must hold on every fixture. */
const SESSIONS: readonly [string, OpenSession][] = [
  ['on the calling thread', openNativeSession],
  ['on another thread', (source) => threads.open(source, () => undefined)],
];

async function load(
  folder: string,
  name: string,
  open = openNativeSession as OpenSession,
): Promise<RuntimeModel> {
  const directory = path.join(folder, 'model');
  const isMlflow = statSync(directory, { throwIfNoEntry: false })?.isDirectory() === true;
  return new OnnxRuntime(open).load(
    await readArtifact(isMlflow ? directory : path.join(folder, name), {
      registry: 'embedded',
      digest: null,
    }),
  );
}

function expectClose(actual: JsonValue, expected: JsonValue, tolerance: number): void {
  if (typeof expected === 'number' && typeof actual === 'number') {
    expect(Math.abs(actual - expected)).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(expected)));
  } else if (Array.isArray(expected)) {
    expect(actual).toHaveLength(expected.length);
    for (const [i, item] of expected.entries()) {
      expectClose((actual as JsonValue[])[i] as JsonValue, item, tolerance);
    }
  } else if (typeof expected === 'object' && expected !== null) {
    for (const [name, item] of Object.entries(expected))
      expectClose((actual as Record<string, JsonValue>)[name] as JsonValue, item, tolerance);
  } else expect(actual).toBe(expected);
}

describe.each(readdirSync(FIXTURES))('%s', (name) => {
  const folder = path.join(FIXTURES, name);
  const fixture: Case = JSON.parse(readFileSync(path.join(folder, 'case.json'), 'utf8'));
  const models: RuntimeModel[] = [];
  afterAll(async () => {
    for (const model of models) await model.release();
  });

  it.each(SESSIONS)(
    'answers what its own library answers, in one batch, in columns and row by row, %s',
    async (_, open) => {
      const model = await load(folder, 'model.onnx', open);
      models.push(model);
      const check = compileRecordCheck(model.signature);
      const rows = fixture.rows.map((row) => rowOf(model.signature, row) as InputRecord);
      for (const row of rows) expect(check.problems(row)).toEqual([]);
      for (const row of rows) expect(check.fits(row)).toBe(true);
      const alone: RowOutput[] = [];
      for (const row of rows) alone.push(...(await model.run([row])));
      const batches = model.maxRows === 1 ? [alone] : [alone, await model.run(rows)];
      const { fields } = model.signature;
      const tables = compileTableReader(fields);
      const json = JSON.stringify(rows);
      const isPlain = rows.every((row) => Object.keys(row).length === fields.length) && !json.includes('\\');
      if (tables !== null && isPlain && model.maxRows > 1) {
        const table = tables.read(Buffer.from(json), 0)?.table as RowTable;
        batches.push((await model.runTable?.(table)) ?? []);
      }
      for (const outputs of batches) {
        expect(outputs).toHaveLength(rows.length);
        outputs.forEach((output, i) => {
          const expected = fixture.expected[i] as Case['expected'][number];
          expectClose(output.prediction, expected.prediction, fixture.tolerance);
          const spec = model.signature.output;
          if (expected.probabilities === null || spec.task !== 'classification') return;
          const named = Object.fromEntries(
            (spec.labels ?? []).map((label, c) => [String(label), output.probabilities?.[c] ?? -1]),
          );
          expect(Object.keys(named).sort()).toEqual(Object.keys(expected.probabilities).sort());
          expectClose(named, expected.probabilities, fixture.tolerance);
        });
      }
    },
  );
});

describe.each(['xgboost-binary', 'sklearn-hgb-missing', 'lightgbm-regressor', 'sklearn-ridge'])(
  '%s with numbers that lie ready',
  (name) => {
    it.each(SESSIONS)('answers as it does from rows, %s', async (_, open) => {
      const folder = path.join(FIXTURES, name);
      const model = await load(folder, 'model.onnx', open);
      const { fields } = model.signature;
      const numeric = fields.filter((field) => field.shape.length === 0 && field.type.startsWith('float'));
      expect(numeric).toHaveLength(fields.length);
      const fixture: Case = JSON.parse(readFileSync(path.join(folder, 'case.json'), 'utf8'));
      const rows = fixture.rows.map((row) => rowOf(model.signature, row) as InputRecord);
      const vectors = Float32Array.from(
        rows.flatMap((row) => fields.map((field) => (row[field.name] as number | null) ?? Number.NaN)),
      );
      const plain = (outputs: readonly RowOutput[]) =>
        outputs.map(({ prediction, probabilities }) => [
          prediction,
          [...((probabilities as number[]) ?? [])],
        ]);
      expect(plain(await model.runVectors(vectors, rows.length))).toEqual(plain(await model.run(rows)));
      await model.release();
    });
  },
);

describe('a broken model is refused with what to do', () => {
  it.each([
    ['truncated.onnx', 'MODEL_UNREADABLE'],
    ['not-onnx.onnx', 'MODEL_UNREADABLE'],
    ['empty.onnx', 'MODEL_UNREADABLE'],
    ['missing-external-data/model.onnx', 'MODEL_UNREADABLE'],
    ['scalar-no-batch.onnx', 'MODEL_UNSUPPORTED'],
    ['fixed-batch-8.onnx', 'MODEL_UNSUPPORTED'],
    ['sequence-output.onnx', 'MODEL_UNSUPPORTED'],
  ])('%s: %s', async (file, code) => {
    await expect(load(BROKEN, file)).rejects.toMatchObject({ code });
  });

  it('fails a run, not the process, when the graph cannot take a value', async () => {
    const model = await load(BROKEN, 'runtime-failure.onnx');
    await expect(model.run([{ index: 1_000_000 }])).rejects.toMatchObject({ code: 'INFERENCE_FAILED' });
    expect(await model.run([{ index: 0 }])).toHaveLength(1);
    await model.release();
  });
});
