import { AppError } from '../../../kernel/errors.ts';
import type { InputRecord } from '../../record-check.ts';
import type { Signature } from '../../signature.ts';
import { PrivateDirectories } from '../private-directories.ts';
import type {
  DeclaredInput,
  ModelArtifact,
  RowOutput,
  Runtime,
  RuntimeHealth,
  RuntimeModel,
} from '../runtime.ts';
import { type ModelFolder, writeModelFolder } from './model-folder.ts';
import type { TextSettings } from './text-engine.ts';
import { textModelFiles } from './text-model-files.ts';
import { type TextThread, TextThreadModel } from './text-thread-model.ts';
import type { OnPiece, TextAnswer } from './translation-queue.ts';

export interface TextRuntimeOptions extends TextSettings {
  readonly startThread: () => TextThread;
  /** A directory below which the files of loaded models may lie. */
  readonly scratch: string;
  /** What has not been translated by then is given up: its caller has had an answer. */
  readonly deadlineMs: number;
}

/** Texts on the thread of a model at a time; it takes their sentences in turn. */
const TEXTS_UNDER_WAY = 16;
const FIELD = 'text';

/** Models that make a text of a text, each on a thread of its own. */
export class TextRuntime implements Runtime {
  readonly #options: TextRuntimeOptions;
  readonly #directories: PrivateDirectories;

  constructor(options: TextRuntimeOptions) {
    this.#options = options;
    this.#directories = new PrivateDirectories(options.scratch, 'slipway-text');
  }

  async load({ entry, files, declared }: ModelArtifact): Promise<RuntimeModel> {
    const found = textModelFiles(entry, files);
    const signature = signatureOf(declared.inputs);
    const { startThread, deadlineMs, threads, beams, maxOutputTokens } = this.#options;
    const folder = await writeModelFolder(this.#directories, found, files);
    try {
      const settings = { threads, beams, maxOutputTokens };
      const model = await TextThreadModel.open(startThread, folder.files, settings);
      return new TextModel(model, folder, signature, deadlineMs);
    } catch (error) {
      await folder.remove();
      throw error;
    }
  }
}

class TextModel implements RuntimeModel {
  readonly signature: Signature;
  /** Each text by itself, so that none waits for another; their sentences are translated together all the same. */
  readonly maxRows = 1;
  readonly lanes = TEXTS_UNDER_WAY;
  readonly #model: TextThreadModel;
  readonly #folder: ModelFolder;
  readonly #field: string;
  readonly #deadlineMs: number;

  constructor(model: TextThreadModel, folder: ModelFolder, signature: Signature, deadlineMs: number) {
    this.#deadlineMs = deadlineMs;
    this.#model = model;
    this.#folder = folder;
    this.signature = signature;
    this.#field = signature.fields[0]?.name ?? FIELD;
  }

  run(rows: readonly InputRecord[]): Promise<readonly RowOutput[]> {
    return Promise.all(rows.map((row) => this.#runOne(row)));
  }

  async stream(row: InputRecord, onPiece: OnPiece, signal: AbortSignal): Promise<RowOutput> {
    return toOutput(await this.#model.translate(this.#textOf(row), onPiece, signal));
  }

  runVectors(): Promise<readonly RowOutput[]> {
    throw new AppError('MODEL_UNSUPPORTED', 'A text model takes texts, and a transform makes numbers');
  }

  health(): RuntimeHealth {
    return this.#model.health;
  }

  async release(): Promise<void> {
    await this.#model.release();
    await this.#folder.remove();
  }

  async #runOne(row: InputRecord): Promise<RowOutput> {
    const deadline = AbortSignal.timeout(this.#deadlineMs);
    try {
      return toOutput(await this.#model.translate(this.#textOf(row), null, deadline));
    } catch (error) {
      if (error !== deadline.reason) throw error;
      throw new AppError('DEADLINE_EXCEEDED', `The text was not translated within ${this.#deadlineMs} ms`);
    }
  }

  #textOf(row: InputRecord): string {
    return String(row[this.#field] ?? '');
  }
}

function toOutput({ text, inputTokens, outputTokens, truncated }: TextAnswer): RowOutput {
  return { prediction: text, probabilities: null, text: { inputTokens, outputTokens, truncated } };
}

function signatureOf(declared: readonly DeclaredInput[] | null): Signature {
  const [input, ...more] = declared ?? [];
  if (more.length > 0 || (input !== undefined && input.type !== 'string'))
    throw new AppError(
      'SIGNATURE_MISMATCH',
      'The declared signature does not fit a text model, which takes one string',
    );
  const name = input?.name ?? FIELD;
  const field = { name, type: 'string', shape: [], required: true, nullable: false } as const;
  const isColumn = input !== undefined && input.shape === null;
  return {
    fields: [field],
    acceptsArray: true,
    output: { task: 'text' },
    tensors: {
      matrix: null,
      ...(input !== undefined && { declared: isColumn ? 'columns' : 'tensors' }),
      outputs: [{ name: 'translation', type: 'string', shape: [], holds: { is: 'prediction' } }],
    },
  };
}
