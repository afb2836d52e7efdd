import path from 'node:path';
import { startServer } from '../support/server.ts';
import { createClient } from './client.ts';
import { readLog } from './evidence.ts';
import { eachOf, type Held, inTemporaryDirectory, none, progress, type Random, seeded } from './proof.ts';

interface ConcurrencyOptions {
  readonly requests?: number;
  readonly clients?: number;
  readonly batches?: number;
}

interface Answer {
  readonly prediction: number;
  readonly prediction_id: string;
}

const RIDGE = 'test/models/fixtures/sklearn-ridge/model.onnx';
const FIELDS = 10;
const LONGEST_BATCH = 700;
/** Sums of a batch are rounded in another order. Few of the 5,000 answers, from -3,000 to 3,000, are as near as this. */
const TOLERANCE = 0.01;

/** A linear model gives each row its own answer, so that one swapped between two callers shows. */
export function proveConcurrency({
  requests = 5_000,
  clients = 64,
  batches = 60,
}: ConcurrencyOptions = {}): Promise<readonly Held[]> {
  return inTemporaryDirectory(async (directory) => {
    const server = await startServer({ directory, model: RIDGE });
    const client = createClient(server.url, { connections: clients });
    const random = seeded(5);
    const rows = Array.from({ length: requests }, () => distinctRow(random));
    const expected: number[] = [];
    for (const row of rows)
      expected.push((await client.post('/predict', { features: row })).json<Answer>().prediction);
    const different = new Set(expected.map((prediction) => prediction.toFixed(2))).size;
    progress(`${requests} rows answered one by one, ${different} different answers`);

    const wrong: string[] = [];
    const given = new Map<string, number>();
    function judge(answer: Answer | undefined, index: number, where: string): void {
      const right = expected[index] as number;
      const got = answer?.prediction ?? Number.NaN;
      if (!(Math.abs(got - right) <= TOLERANCE)) wrong.push(`${where} got ${got} for ${right}`);
      if (answer !== undefined) given.set(answer.prediction_id, index);
    }
    const singles = rows.map((_, index) => async (): Promise<void> => {
      const reply = await client.post('/predict', { features: rows[index] });
      judge(reply.json<Answer>(), index, `row ${index} (${reply.status})`);
    });
    let batched = 0;
    const inBatches = Array.from({ length: batches }, (_, number) => async (): Promise<void> => {
      const length = number < 2 ? [1, LONGEST_BATCH][number]! : random.between(1, LONGEST_BATCH);
      const indexes = Array.from({ length }, () => random.between(0, requests - 1));
      const reply = await client.post('/predict/batch', { instances: indexes.map((index) => rows[index]) });
      const { predictions } = reply.json<{ predictions: Answer[] }>();
      if (predictions.length !== length) wrong.push(`${predictions.length} answers for ${length} rows`);
      batched += length;
      for (const [at, index] of indexes.entries()) judge(predictions[at], index, `batch ${number}[${at}]`);
    });
    await eachOf(mixed([...singles, ...inBatches], random), clients, (send) => send());
    client.close();
    await server.terminate();
    const { predictions } = readLog(path.join(directory, 'logs'));
    const misfiled = [...given].filter(
      ([id, index]) => !fits(predictions.get(id), rows[index], expected[index]),
    );
    return [
      none(
        `concurrency: answers that are not the caller's own, ${clients} callers`,
        wrong,
        `${requests} single rows and ${batched} rows in ${batches} batches`,
      ),
      {
        bar: 'concurrency: ids of all answers are different, and so are the answers of nearly all rows',
        figure: `${given.size} ids, ${different} different answers to 2 decimals`,
        held: given.size === requests + batched && different > requests * 0.9,
      },
      none(
        'concurrency: lines whose input or prediction is not that of the id',
        misfiled.map(([id]) => id),
        `${given.size} lines`,
      ),
    ];
  });
}

function distinctRow(random: Random): number[] {
  return Array.from({ length: FIELDS }, () => Math.fround(random.next() * 20 - 10));
}

function mixed<T>(items: T[], random: Random): T[] {
  for (let last = items.length - 1; last > 0; last--) {
    const other = random.between(0, last);
    [items[last], items[other]] = [items[other] as T, items[last] as T];
  }
  return items;
}

function fits(
  line: { readonly input?: unknown; readonly prediction?: unknown } | undefined,
  row: readonly number[] | undefined,
  prediction: number | undefined,
): boolean {
  const logged = Object.values((line?.input ?? {}) as Record<string, unknown>).flat();
  return (
    JSON.stringify(logged) === JSON.stringify(row) &&
    Math.abs((line?.prediction as number) - (prediction as number)) <= TOLERANCE
  );
}
