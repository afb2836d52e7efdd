import { readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../support/server.ts';
import { type Client, createClient, NoReply, type Reply } from './client.ts';
import { type Random, seeded } from './proof.ts';

/** What callers got while they kept a server busy. */
export interface LoadResult {
  /** Ids of predictions and feedback that were answered as logged. */
  readonly answered: Set<string>;
  /** Answers that said `"logged": false`. */
  readonly unlogged: Set<string>;
  /** Answers other than 200, by status. */
  readonly refused: Map<number, number>;
  readonly refusals: Reply[];
  /** Requests without an answer. */
  readonly lost: NoReply[];
}

export interface Load {
  readonly result: LoadResult;
  /** Lets every caller have the answer it waits for, and ends. */
  stop(): Promise<LoadResult>;
}

export interface LoadOptions {
  readonly clients?: number;
  readonly seed?: number;
  /** A caller ends when its request got no answer, as it does when the server was killed. */
  readonly endWhenLost?: boolean;
}

interface PredictionAnswer {
  readonly prediction_id: string;
  readonly logged?: false;
}

/** Single rows, batches and labels from so many callers, each with a keep-alive connection of its own. */
export function startLoad(
  url: string,
  { clients = 32, seed = 1, endWhenLost = true }: LoadOptions = {},
): Load {
  const result: LoadResult = {
    answered: new Set(),
    unlogged: new Set(),
    refused: new Map(),
    refusals: [],
    lost: [],
  };
  let stopping = false;

  async function caller(random: Random): Promise<void> {
    const client = createClient(url, { connections: 1 });
    let lastId: string | null = null;
    while (!stopping) {
      try {
        const { reply, kind } = await oneRequest(client, random, lastId);
        if (reply.status !== 200) {
          result.refused.set(reply.status, (result.refused.get(reply.status) ?? 0) + 1);
          if (result.refusals.length < 200) result.refusals.push(reply);
          await new Promise((resolve) => setTimeout(resolve, 5));
        } else lastId = note(reply, kind) ?? lastId;
      } catch (error) {
        if (!(error instanceof NoReply)) throw error;
        result.lost.push(error);
        if (endWhenLost) break;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
    client.close();
  }

  function note(reply: Reply, kind: RequestKind): string | null {
    if (kind === 'feedback') {
      for (const { feedback_id } of reply.json<{ results: { feedback_id: string }[] }>().results)
        result.answered.add(feedback_id);
      return null;
    }
    const answers =
      kind === 'single'
        ? [reply.json<PredictionAnswer>()]
        : reply.json<{ predictions: PredictionAnswer[] }>().predictions;
    for (const { prediction_id, logged } of answers)
      if (prediction_id !== undefined)
        (logged === false ? result.unlogged : result.answered).add(prediction_id);
    return answers.at(-1)?.prediction_id ?? null;
  }

  const callers = Promise.all(Array.from({ length: clients }, (_, i) => caller(seeded(seed * 1000 + i))));
  return {
    result,
    async stop() {
      stopping = true;
      await callers;
      return result;
    },
  };
}

type RequestKind = 'single' | 'batch' | 'feedback';

async function oneRequest(
  client: Client,
  random: Random,
  lastId: string | null,
): Promise<{ reply: Reply; kind: RequestKind }> {
  const chance = random.next();
  if (chance < 0.1 && lastId !== null) {
    const reply = await client.post('/feedback', { prediction_id: lastId, actual: 'low' });
    return { reply, kind: 'feedback' };
  }
  if (chance < 0.2) {
    const instances = Array.from({ length: random.between(1, 40) }, () => salesRow(random));
    return { reply: await client.post('/predict/batch', { instances }), kind: 'batch' };
  }
  return { reply: await client.post('/predict', { features: salesRow(random) }), kind: 'single' };
}

const traffic = readFileSync(path.join(root, 'examples/sales-quantity/traffic.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => (JSON.parse(line) as { features: Record<string, unknown> }).features);

/** A row of the sales-quantity example. */
export function salesRow(random: Random): Record<string, unknown> {
  return { ...random.pick(traffic), household_id: random.between(1, 1_000_000) };
}
