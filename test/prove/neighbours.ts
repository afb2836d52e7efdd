import { SALES_MODEL, startServer } from '../support/server.ts';
import { createClient } from './client.ts';
import { salesRow } from './load.ts';
import { eachOf, type Held, inTemporaryDirectory, none, seeded } from './proof.ts';

const ROWS = 400;
const BAD = 20;

interface Answer {
  readonly prediction?: unknown;
  readonly probabilities?: Record<string, number>;
  readonly error?: { readonly status: number };
}

/** Bad rows among good ones, as requests of their own at the same time and as one batch. */
export function proveNeighbours(): Promise<readonly Held[]> {
  return inTemporaryDirectory(async (directory) => {
    const server = await startServer({ directory, model: SALES_MODEL });
    const client = createClient(server.url, { connections: ROWS });
    const random = seeded(3);
    const good = Array.from({ length: ROWS }, () => salesRow(random));
    const isBad = (index: number): boolean => index % (ROWS / BAD) === 7;
    const rows = good.map((row, index) => (isBad(index) ? spoiled(row, index) : row));
    const alone: Answer[] = [];
    for (const row of good) alone.push((await client.post('/predict', { features: row })).json<Answer>());

    const wrong: string[] = [];
    const wrongInBatch: string[] = [];
    let refused = 0;
    for (let round = 0; round < 5; round++) {
      await eachOf(rows, ROWS, async (row, index) => {
        const reply = await client.post('/predict', { features: row });
        if (!isBad(index)) {
          const fault = differs(reply.json<Answer>(), alone[index] as Answer);
          if (reply.status !== 200 || fault !== null) wrong.push(`row ${index}: ${reply.status} ${fault}`);
        } else if (reply.status === 422) refused++;
        else wrong.push(`bad row ${index}: ${reply.status}`);
      });
      const batch = await client.post('/predict/batch', { instances: rows });
      const { predictions, failed } = batch.json<{ predictions: Answer[]; failed: number }>();
      if (batch.status !== 200 || failed !== BAD || predictions.length !== ROWS)
        wrongInBatch.push(`${batch.status}, ${failed} failed of ${predictions.length}`);
      predictions.forEach((answer, index) => {
        const fault = isBad(index) ? badAnswer(answer) : differs(answer, alone[index] as Answer);
        if (fault !== null) wrongInBatch.push(`row ${index}: ${fault}`);
      });
    }
    client.close();
    await server.terminate();
    const asked = `${5 * ROWS} rows, ${refused} of them bad and refused with 422`;
    return [
      none(`neighbours: wrong answers, ${BAD} bad among ${ROWS} at once`, wrong, asked),
      none(
        `neighbours: wrong answers, ${BAD} bad rows in batches of ${ROWS}`,
        wrongInBatch,
        `${5 * ROWS} rows`,
      ),
    ];
  });
}

/** One of several faults, by turns. */
function spoiled(row: Record<string, unknown>, index: number): unknown {
  const { department: _, ...missing } = row;
  const faults = [
    missing,
    { ...row, unit_price: 'cheap' },
    { ...row, extra: 1 },
    { ...row, age: null },
    [],
    'row',
    null,
  ];
  return faults[Math.floor(index / (ROWS / BAD)) % faults.length];
}

function badAnswer({ error }: Answer): string | null {
  return error?.status === 422 ? null : `no error of 422 but ${JSON.stringify(error)}`;
}

function differs(answer: Answer, expected: Answer): string | null {
  if (answer.prediction !== expected.prediction)
    return `${JSON.stringify(answer)} instead of ${JSON.stringify(expected.prediction)}`;
  for (const [label, probability] of Object.entries(expected.probabilities ?? {})) {
    const got = answer.probabilities?.[label] ?? Number.NaN;
    if (!(Math.abs(got - probability) <= 1e-6))
      return `probability of ${label} is ${got}, not ${probability}`;
  }
  return null;
}
