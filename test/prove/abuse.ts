import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type BuiltServer, SALES_MODEL, startServer } from '../support/server.ts';
import {
  type BadRequest,
  badRequest,
  HEAVY_KINDS,
  LIGHT_KINDS,
  NAME_MARK,
  SLOW_KINDS,
  VALUE_MARK,
} from './bad-requests.ts';
import { createClient } from './client.ts';
import { compare, readLog, readStore } from './evidence.ts';
import { salesRow } from './load.ts';
import { eachOf, type Held, inTemporaryDirectory, none, progress, type Random, seeded } from './proof.ts';
import { type Exchange, exchange, type RawAnswer } from './raw.ts';

interface AbuseOptions {
  readonly requests?: number;
  readonly seed?: number;
  /** How many of each kind that costs memory. */
  readonly heavyEach?: number;
  /** How many of each kind that takes its time. */
  readonly slowEach?: number;
}

const CHUNK = 250;
const MOST_ANSWER_BYTES = 64 * 1024;
const MOST_BYTES_PER_ROW = 512;
const MOST_GROWTH_MIB = 60;
const REST_SECONDS = 3;
const WARM_UP_REQUESTS = 300;
const AT_ONCE = 16;
const MOST_PEAK_MIB = 600;
const LARGE_BODY_BYTES = 10 * 1000 * 1000;
const LARGE_BODIES = 10;

/** Requests that no server should get, generated from a seed, and what came back. */
export function proveAbuse({
  requests = 10_000,
  seed = 42,
  heavyEach = 12,
  slowEach = 30,
}: AbuseOptions = {}): Promise<readonly Held[]> {
  return inTemporaryDirectory(async (directory) => {
    const server = await startServer({
      directory,
      model: SALES_MODEL,
      config: { server: { request_timeout_ms: 2_000 } },
      nodeOptions: NODE_OPTIONS,
    });
    const random = seeded(seed);
    const good = salesRow(random);
    const seen = new Findings();
    const goodAnswers = { asked: 0, right: 0 };
    const client = createClient(server.url);

    async function askGood(): Promise<void> {
      goodAnswers.asked++;
      const reply = await client.post('/predict', { features: good });
      if (reply.status === 200) goodAnswers.right++;
    }

    async function send(kind: string): Promise<void> {
      const request = badRequest(kind, random, good);
      seen.judge(request, await exchange(server.port, request, { isHead: request.isHead === true }));
    }

    await eachOf(plan(WARM_UP_REQUESTS, Math.ceil(heavyEach / 2), 0, random), AT_ONCE, send);
    const warmMib = await memoryAtRest(server);
    const kinds = plan(requests, heavyEach, slowEach, random);
    for (let from = 0; from < kinds.length; from += CHUNK) {
      const chunk = kinds.slice(from, from + CHUNK);
      const slow = chunk.filter((kind) => SLOW_KINDS.includes(kind));
      const quick = chunk.filter((kind) => !SLOW_KINDS.includes(kind));
      await Promise.all([eachOf(slow, slow.length, send), eachOf(quick, AT_ONCE, send)]);
      await askGood();
      if (from % 2_000 === 0)
        progress(`${from + chunk.length} of ${kinds.length}, RSS ${memoryOf(server)} MiB`);
    }
    const afterMib = await memoryAtRest(server);
    client.close();
    const exit = await server.terminate();
    const log = readLog(path.join(directory, 'logs'));
    const { notOnceStored } = compare([], log, readStore(directory));
    const standstillMs = Number(readFileSync(path.join(directory, STANDSTILL_FILE), 'utf8'));
    const inFlight = await inTemporaryDirectory((fresh) => largeBodiesAtOnce(fresh, good));
    const asked = `${seen.judged} requests of ${LIGHT_KINDS.length + HEAVY_KINDS.length + SLOW_KINDS.length} kinds, seed ${seed}`;
    progress(seen.statuses());
    return [
      none('abuse: answers of 500, 502 or 504', seen.failures, asked),
      none('abuse: no answer at all', seen.unanswered, asked),
      none('abuse: answers that are neither a success nor a documented problem', seen.malformed, asked),
      none('abuse: answers that hold a value of the request', seen.echoes, asked),
      none('abuse: answers with names of the request longer than 64 or more than 5', seen.names, asked),
      none('abuse: answers of more than 64 KiB, and 512 bytes for each row of a list', seen.large, asked),
      {
        bar: 'abuse: a good request is answered after each chunk, the process lives and ends with 0',
        figure: `${goodAnswers.right} of ${goodAnswers.asked}, exit ${exit.code ?? exit.signal}`,
        held: goodAnswers.right === goodAnswers.asked && exit.code === 0,
      },
      none(
        'abuse: lines that are not exactly once in the store at the end',
        notOnceStored,
        `${log.lines.size} lines`,
      ),
      {
        bar: `abuse: nobody else waits longer than ${MOST_STANDSTILL_MS} ms for a turn of the event loop`,
        figure: `at most ${standstillMs} ms`,
        held: standstillMs <= MOST_STANDSTILL_MS,
      },
      {
        bar: `abuse: memory without garbage is at most ${MOST_GROWTH_MIB} MiB above that after the warm-up`,
        figure: `${warmMib} MiB, then ${afterMib} MiB`,
        held: afterMib <= warmMib + MOST_GROWTH_MIB,
      },
      {
        bar: `abuse: ${LARGE_BODIES} bodies of 10 MB at once stay below ${MOST_PEAK_MIB} MiB more`,
        figure: `${inFlight.beforeMib} MiB, at most ${inFlight.peakMib} MiB, statuses ${inFlight.statuses.join(', ')}`,
        held:
          inFlight.peakMib - inFlight.beforeMib <= MOST_PEAK_MIB &&
          inFlight.statuses.every((status) => status === 422),
      },
    ];
  });
}

/** The kinds in the order in which they are sent. */
function plan(requests: number, heavyEach: number, slowEach: number, random: Random): string[] {
  const kinds = [
    ...HEAVY_KINDS.flatMap((kind) => Array<string>(heavyEach).fill(kind)),
    ...SLOW_KINDS.flatMap((kind) => Array<string>(slowEach).fill(kind)),
  ];
  while (kinds.length < requests) kinds.push(LIGHT_KINDS[kinds.length % LIGHT_KINDS.length] as string);
  for (let last = kinds.length - 1; last > 0; last--) {
    const other = random.between(0, last);
    [kinds[last], kinds[other]] = [kinds[other] as string, kinds[last] as string];
  }
  return kinds;
}

/** What is wrong with what came back, as one line each. */
class Findings {
  readonly failures: string[] = [];
  readonly unanswered: string[] = [];
  readonly malformed: string[] = [];
  readonly echoes: string[] = [];
  readonly names: string[] = [];
  readonly large: string[] = [];
  readonly #counts = new Map<string, number>();
  judged = 0;

  judge(request: BadRequest, { answers, bytes, isCutOff, error }: Exchange): void {
    this.judged++;
    if (answers.length === 0 || isCutOff) {
      this.#count(`${request.kind}: no answer`);
      if (request.mayBeCut !== true || error?.startsWith('no end'))
        this.unanswered.push(`${request.kind} (${error ?? 'closed'}) ${summary(request)}`);
    }
    const text = bytes.toString('utf8');
    if (text.includes(VALUE_MARK)) this.echoes.push(`${request.kind}: ${around(text, VALUE_MARK)}`);
    for (const answer of answers) this.#judgeAnswer(request, answer);
  }

  #judgeAnswer(request: BadRequest, answer: RawAnswer): void {
    const { kind } = request;
    this.#count(`${kind}: ${answer.status}`);
    const told = `${kind}: ${answer.status} ${answer.body.slice(0, 160)} for ${summary(request)}`;
    if ([500, 502, 504].includes(answer.status)) this.failures.push(told);
    const most = MOST_ANSWER_BYTES + (request.rows ?? 0) * MOST_BYTES_PER_ROW;
    if (
      Buffer.byteLength(answer.body) > most &&
      answer.headers.get('content-type')?.includes('html') !== true
    )
      this.large.push(`${kind}: ${answer.status}, ${Buffer.byteLength(answer.body)} bytes`);
    const fault = faultOf(answer, request.isHead === true);
    if (fault !== null) this.malformed.push(`${fault}: ${told}`);
    const problem = answer.status >= 400 ? answer.body : '';
    const names = problem.match(new RegExp(`${NAME_MARK}[0-9a-f]*`, 'g')) ?? [];
    if (names.some((name) => name.length > 64) || new Set(names).size > 5)
      this.names.push(
        `${kind}: ${new Set(names).size} names of up to ${Math.max(...names.map((name) => name.length))}`,
      );
  }

  statuses(): string {
    return [...this.#counts]
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([what, count]) => `${what} ×${count}`)
      .join('\n  ');
  }

  #count(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }
}

function faultOf(answer: RawAnswer, isHead: boolean): string | null {
  if (answer.status < 300 || answer.status === 304) return null;
  if (answer.headers.get('content-type')?.startsWith('application/problem+json') !== true) {
    return answer.headers.get('content-type') === undefined && isHead ? null : 'not problem+json';
  }
  if (isHead) return null;
  try {
    const problem = JSON.parse(answer.body) as Record<string, unknown>;
    for (const member of ['type', 'title', 'detail', 'code', 'request_id'])
      if (typeof problem[member] !== 'string' || problem[member] === '') return `no ${member}`;
    return problem['status'] === answer.status ? null : 'another status inside';
  } catch {
    return 'no JSON';
  }
}

function summary(request: BadRequest): string {
  const [first = ''] = request.pieces;
  const text = typeof first === 'string' ? first : first.toString('latin1');
  return JSON.stringify(text.length > 300 ? `${text.slice(0, 200)} … ${text.slice(-80)}` : text);
}

function around(text: string, mark: string): string {
  const at = text.indexOf(mark);
  return text.slice(Math.max(0, at - 120), at + 40);
}

interface LargeBodies {
  readonly beforeMib: number;
  readonly peakMib: number;
  readonly statuses: readonly number[];
}

/** Bodies just under the limit, all of them half sent before the first is finished. */
async function largeBodiesAtOnce(directory: string, good: Record<string, unknown>): Promise<LargeBodies> {
  const server = await startServer({ directory, model: SALES_MODEL });
  const before = memoryOf(server);
  let peak = before;
  const watch = setInterval(() => {
    peak = Math.max(peak, memoryOf(server));
  }, 20);
  const row = `${JSON.stringify({ ...good, extra: 1 })},`;
  const rows = row.repeat(Math.floor(LARGE_BODY_BYTES / row.length));
  const body = Buffer.from(`{"features":{"rows":[${rows}0]}}`);
  const half = body.length >> 1;
  const head = `POST /predict HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
  const pieces = [head, body.subarray(0, half), body.subarray(half)];
  const exchanges = await Promise.all(
    Array.from({ length: LARGE_BODIES }, () => exchange(server.port, { pieces, pauseMs: 300 })),
  );
  clearInterval(watch);
  await server.terminate();
  return {
    beforeMib: before,
    peakMib: peak,
    statuses: [...new Set(exchanges.map(({ answers }) => answers[0]?.status ?? 0))],
  };
}

/** Resident memory in MiB. */
function memoryOf(server: BuiltServer): number {
  const status = readFileSync(`/proc/${server.pid}/status`, 'utf8');
  return Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024);
}

/** Memory without garbage, of which V8 may let hundreds of megabytes lie while nothing needs the room. */
async function memoryAtRest(server: BuiltServer): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let second = 0; second < REST_SECONDS; second++) {
    process.kill(server.pid, 'SIGUSR2');
    await sleep(1_000);
    least = Math.min(least, memoryOf(server));
  }
  return least;
}

const MOST_STANDSTILL_MS = 1_000;
const STANDSTILL_FILE = 'longest-turn-ms';

/** Runs before the server: collects its garbage at each SIGUSR2, and leaves its longest turn of the event loop behind. */
const INSIDE_SERVER = `
import { writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread } from 'node:worker_threads';
if (isMainThread) {
  setFlagsFromString('--expose_gc');
  const collect = runInNewContext('gc');
  process.on('SIGUSR2', () => collect());
  const delay = monitorEventLoopDelay();
  delay.enable();
  process.once('exit', () => writeFileSync('${STANDSTILL_FILE}', String(Math.round(delay.max / 1e6))));
}`;
const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(INSIDE_SERVER)}`;
