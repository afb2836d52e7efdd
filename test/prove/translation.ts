import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root, startServer } from '../support/server.ts';
import { createClient } from './client.ts';
import { type Held, inTemporaryDirectory, none } from './proof.ts';

const EXAMPLE = 'examples/translation-en-hi';
const PER_SECOND = 10;
const SECONDS = 30;
const MOST_P95_MS = 200;
const MOST_P99_MS = 500;

interface HeldOut {
  readonly text: string;
  readonly greedy: string;
}

/** The translator at ten requests a second: latency, the answers of the Python reference, and texts as they went in and out. */
export function proveTranslation(): Promise<readonly Held[]> {
  return inTemporaryDirectory(async (directory) => {
    const sentences = heldOut();
    const server = await startServer({ directory, model: path.join(EXAMPLE, 'model') });
    const client = createClient(server.url, { connections: 64 });
    const latencies: number[] = [];
    const wrong: string[] = [];
    const answered = new Map<string, HeldOut>();
    const ask = async (sentence: HeldOut): Promise<void> => {
      const startedAt = performance.now();
      const reply = await client.post('/predict', { text: sentence.text });
      latencies.push(performance.now() - startedAt);
      const answer = reply.json<{ translation?: string; prediction_id: string }>();
      if (reply.status !== 200 || answer.translation !== sentence.greedy)
        wrong.push(`${sentence.text}: ${reply.status} ${answer.translation}, not ${sentence.greedy}`);
      answered.set(answer.prediction_id, sentence);
    };
    const under: Promise<void>[] = [];
    const startedAt = performance.now();
    for (let sent = 0; sent < PER_SECOND * SECONDS; sent++) {
      await sleep(Math.max(0, startedAt + (sent * 1000) / PER_SECOND - performance.now()));
      under.push(ask(sentences[sent % sentences.length] as HeldOut));
    }
    await Promise.all(under);
    client.close();
    await server.terminate();
    const garbled = garbledLines(path.join(directory, 'logs/predictions.log'), answered);
    const [p95, p99] = [0.95, 0.99].map((share) => percentile(latencies, share)) as [number, number];
    return [
      {
        bar: `translation: p95 below ${MOST_P95_MS} ms and p99 below ${MOST_P99_MS} ms at ${PER_SECOND} requests/s`,
        figure: `${p95.toFixed(1)} ms and ${p99.toFixed(1)} ms of ${latencies.length}`,
        held: p95 < MOST_P95_MS && p99 < MOST_P99_MS,
      },
      none('translation: answers that are not those of the Python reference', wrong, `${latencies.length}`),
      none(
        'translation: lines of the log with other characters than went in and out',
        garbled,
        `${answered.size}`,
      ),
    ];
  });
}

function heldOut(): readonly HeldOut[] {
  const text = readFileSync(path.join(root, EXAMPLE, 'data/held-out.jsonl'), 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as HeldOut);
}

function garbledLines(log: string, answered: ReadonlyMap<string, HeldOut>): readonly string[] {
  type Line = { 'event.id'?: string; input?: { text: string }; prediction?: string };
  const lines = new Map<string | undefined, Line>();
  for (const text of readFileSync(log, 'utf8').trim().split('\n')) {
    const line = JSON.parse(text) as Line;
    lines.set(line['event.id'], line);
  }
  return [...answered].flatMap(([id, { text, greedy }]) => {
    const line = lines.get(id);
    return line?.input?.text === text && line.prediction === greedy ? [] : [`${id}: ${JSON.stringify(line)}`];
  });
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
