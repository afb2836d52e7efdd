import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { AppError, messageOf } from '../../../../kernel/errors.ts';
import { fromFloat16Bits } from '../../../../kernel/float16.ts';
import type { Decoder, StepScores } from './decoder.ts';

/** Paths of the graphs, as Hugging Face's exporters make them. */
export interface GraphFiles {
  readonly encoder: string;
  /** Reads the first token, or where it is merged or there is no other, every token. */
  readonly decoder: string;
  /** Reads the tokens after the first, with what the first decoder remembers. */
  readonly decoderWithPast: string | null;
}

type Ort = typeof import('onnxruntime-node');
type Tensors = Record<string, Tensor>;

const PAST = 'past_key_values.';
const PRESENT = 'present.';
const KNOWN_INPUTS =
  /^(input_ids|attention_mask|encoder_attention_mask|encoder_hidden_states|decoder_attention_mask|use_cache_branch|past_key_values\..+)$/;

/** Encoder and decoder of one model in sessions of onnxruntime. */
export class EncoderDecoderGraphs {
  readonly #ort: Ort;
  readonly #encoder: InferenceSession;
  readonly #decoder: InferenceSession;
  readonly #decoderWithPast: InferenceSession | null;

  private constructor(ort: Ort, [encoder, decoder, decoderWithPast]: readonly InferenceSession[]) {
    this.#ort = ort;
    this.#encoder = encoder as InferenceSession;
    this.#decoder = decoder as InferenceSession;
    this.#decoderWithPast = decoderWithPast ?? null;
  }

  static async open(files: GraphFiles, threads: number): Promise<EncoderDecoderGraphs> {
    const ort = await import('onnxruntime-node');
    const sessions: InferenceSession[] = [];
    try {
      for (const file of [files.encoder, files.decoder, files.decoderWithPast])
        if (file !== null) sessions.push(await openSession(ort, file, threads));
      return new EncoderDecoderGraphs(ort, sessions);
    } catch (error) {
      for (const session of sessions) await session.release();
      throw error;
    }
  }

  /** Reads sentences, and starts a decoder on them with `copies` rows for each. */
  async encode(sentences: readonly (readonly number[])[], pad: number, copies: number): Promise<Decoder> {
    const { Tensor } = this.#ort;
    const length = Math.max(...sentences.map((ids) => ids.length));
    const ids = new BigInt64Array(sentences.length * length).fill(BigInt(pad));
    const mask = new BigInt64Array(sentences.length * length);
    sentences.forEach((sentence, row) => {
      sentence.forEach((token, i) => {
        ids[row * length + i] = BigInt(token);
        mask[row * length + i] = 1n;
      });
    });
    const dims = [sentences.length, length];
    const attention = new Tensor('int64', mask, dims);
    const read = await this.#encoder.run({
      input_ids: new Tensor('int64', ids, dims),
      attention_mask: attention,
    });
    const hidden = read['last_hidden_state'] as Tensor;
    const decoder = new GraphDecoder(this.#ort, this.#decoder, this.#decoderWithPast, {
      encoder_attention_mask: attention,
      encoder_hidden_states: hidden,
    });
    if (copies > 1) decoder.select(sentences.flatMap((_, row) => new Array<number>(copies).fill(row)));
    return decoder;
  }

  async release(): Promise<void> {
    for (const session of [this.#encoder, this.#decoder, this.#decoderWithPast]) await session?.release();
  }
}

/** A decoder that remembers what it has read, in the tensors that its graph gave at the step before. */
class GraphDecoder implements Decoder {
  readonly #ort: Ort;
  readonly #first: InferenceSession;
  readonly #later: InferenceSession | null;
  /** False of a decoder that takes no past, and reads all tokens anew at each step. */
  readonly #remembers: boolean;
  /** What the encoder made of the sentence of each row. */
  #source: Tensors;
  /** The sentence of each row, by its place when decoding began. */
  #sentences: readonly number[];
  #past: Tensors = {};
  /** Tokens of each row so far. */
  #read: readonly (readonly number[])[];

  constructor(ort: Ort, first: InferenceSession, later: InferenceSession | null, source: Tensors) {
    this.#ort = ort;
    this.#first = first;
    this.#later = later;
    this.#remembers = (later ?? first).inputNames.some((name) => name.startsWith(PAST));
    this.#source = source;
    const rows = source['encoder_hidden_states']?.dims[0] ?? 0;
    this.#sentences = Array.from({ length: rows }, (_, row) => row);
    this.#read = this.#sentences.map(() => []);
  }

  async step(tokens: readonly number[]): Promise<StepScores> {
    this.#read = this.#read.map((read, row) => [...read, tokens[row] as number]);
    const hasPast = Object.keys(this.#past).length > 0;
    const session = hasPast ? (this.#later ?? this.#first) : this.#first;
    const feeds: Tensors = {};
    for (const name of session.inputNames) feeds[name] = this.#input(name, session, hasPast);
    const outputs = await session.run(feeds);
    for (const name of session.outputNames) {
      if (!this.#remembers || !name.startsWith(PRESENT)) continue;
      // What a graph with a past says of the encoder's half is not that half again.
      const isFixed = hasPast && name.includes('.encoder.');
      if (!isFixed) this.#past[PAST + name.slice(PRESENT.length)] = outputs[name] as Tensor;
    }
    return lastScores(outputs['logits'] as Tensor);
  }

  select(rows: readonly number[]): void {
    const sentences = rows.map((row) => this.#sentences[row] as number);
    const sameSentences =
      rows.length === this.#sentences.length &&
      sentences.every((sentence, row) => sentence === this.#sentences[row]);
    const pick = (tensors: Tensors): Tensors =>
      Object.fromEntries(
        Object.entries(tensors).map(([name, tensor]) => [
          name,
          sameSentences && name.includes('encoder') && !name.includes('.decoder.')
            ? tensor
            : selectRows(this.#ort, tensor, rows),
        ]),
      );
    this.#source = pick(this.#source);
    this.#past = pick(this.#past);
    this.#sentences = sentences;
    this.#read = rows.map((row) => this.#read[row] as readonly number[]);
  }

  #input(name: string, session: InferenceSession, hasPast: boolean): Tensor {
    const { Tensor } = this.#ort;
    const rows = this.#read.length;
    const length = this.#read[0]?.length ?? 0;
    if (name === 'input_ids') {
      const ids = hasPast ? this.#read.map((read) => read.slice(-1)) : this.#read;
      return new Tensor('int64', BigInt64Array.from(ids.flat(), BigInt), [rows, ids[0]?.length ?? 0]);
    }
    if (name === 'decoder_attention_mask')
      return new Tensor('int64', new BigInt64Array(rows * length).fill(1n), [rows, length]);
    if (name === 'use_cache_branch') return new Tensor('bool', [hasPast], [1]);
    if (name.startsWith(PAST)) return this.#past[name] ?? emptyPast(this.#ort, session, name, rows);
    return this.#source[name === 'attention_mask' ? 'encoder_attention_mask' : name] as Tensor;
  }
}

async function openSession(ort: Ort, file: string, threads: number): Promise<InferenceSession> {
  let session: InferenceSession;
  try {
    session = await ort.InferenceSession.create(file, {
      executionProviders: ['cpu'],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      logSeverityLevel: 4,
    });
  } catch (error) {
    throw new AppError('MODEL_UNREADABLE', `onnxruntime cannot load ${nameOf(file)}: ${messageOf(error)}`, {
      cause: error,
    });
  }
  const strange = session.inputNames.find((name) => !KNOWN_INPUTS.test(name));
  const wanted = nameOf(file).startsWith('encoder') ? 'last_hidden_state' : 'logits';
  if (strange === undefined && session.outputNames.includes(wanted)) return session;
  await session.release();
  throw new AppError(
    'MODEL_UNSUPPORTED',
    strange === undefined
      ? `${nameOf(file)} has no output "${wanted}": export it with optimum-cli export onnx --task text2text-generation-with-past`
      : `${nameOf(file)} takes an input "${strange}", which nothing here gives: export it with optimum-cli export onnx --task text2text-generation-with-past`,
  );
}

function nameOf(file: string): string {
  return file.slice(file.lastIndexOf('/') + 1);
}

/** The past of a merged graph before the first token: as the graph says it, with nothing along its axis of time. */
function emptyPast(ort: Ort, session: InferenceSession, name: string, rows: number): Tensor {
  const described = session.inputMetadata.find((input) => input.name === name);
  const shape = described?.isTensor ? described.shape : [];
  const [heads, width] = [shape[1], shape[3]];
  if (typeof heads !== 'number' || typeof width !== 'number')
    throw new AppError(
      'MODEL_UNSUPPORTED',
      `The merged decoder does not fix the number and width of the heads of "${name}": export it with optimum-cli, which does`,
    );
  const type = described?.isTensor && described.type === 'float16' ? 'float16' : 'float32';
  return new ort.Tensor(type as 'float32', new (numbersOf(type))(0), [rows, heads, 0, width]);
}

/** From Node 24 on half floats are Float16Array, before that their bits. */
function numbersOf(type: 'float32' | 'float16'): Float32ArrayConstructor {
  const { Float16Array } = globalThis as { Float16Array?: unknown };
  return (type === 'float32' ? Float32Array : (Float16Array ?? Uint16Array)) as Float32ArrayConstructor;
}

function selectRows(ort: Ort, tensor: Tensor, rows: readonly number[]): Tensor {
  const data = tensor.data as Float32Array;
  const size = data.length / (tensor.dims[0] ?? 1);
  const Numbers = data.constructor as new (length: number) => Float32Array;
  const picked = new Numbers(rows.length * size);
  rows.forEach((row, to) => {
    picked.set(data.subarray(row * size, (row + 1) * size), to * size);
  });
  return new ort.Tensor(tensor.type as 'float32', picked, [rows.length, ...tensor.dims.slice(1)]);
}

/** Of scores [rows, tokens, vocabulary] those after the last token, as a copy that may be changed. */
function lastScores(logits: Tensor): StepScores {
  const [rows = 0, tokens = 0, vocabulary = 0] = logits.dims;
  const data = logits.data as Float32Array | Uint16Array;
  const scores = new Float32Array(rows * vocabulary);
  for (let row = 0; row < rows; row += 1) {
    const last = data.subarray((row * tokens + tokens - 1) * vocabulary, (row + 1) * tokens * vocabulary);
    scores.set(last instanceof Uint16Array ? Array.from(last, fromFloat16Bits) : last, row * vocabulary);
  }
  return { scores, vocabulary };
}
