import { AppError } from '../../kernel/errors.ts';
import { requireTrusted } from '../trust.ts';
import type { ModelArtifact, ModelFormat, Runtime, RuntimeModel } from './runtime.ts';

/** The runtimes of all formats as one. Each is made when the first artifact of its format comes; code that nobody trusts is loaded by none. */
export class Runtimes implements Runtime {
  readonly #open: Readonly<Partial<Record<ModelFormat, () => Promise<Runtime>>>>;
  readonly #opened = new Map<ModelFormat, Promise<Runtime>>();

  readonly #trusted: readonly string[];

  /** `trusted`: as `requireTrusted` takes it. */
  constructor(
    open: Readonly<Partial<Record<ModelFormat, () => Promise<Runtime>>>>,
    trusted: readonly string[],
  ) {
    this.#open = open;
    this.#trusted = trusted;
  }

  async load(artifact: ModelArtifact): Promise<RuntimeModel> {
    requireTrusted(artifact, this.#trusted);
    return (await this.#runtimeOf(artifact.format)).load(artifact);
  }

  #runtimeOf(format: ModelFormat): Promise<Runtime> {
    const known = this.#opened.get(format);
    if (known !== undefined) return known;
    const open = this.#open[format];
    if (open === undefined)
      throw new AppError('MODEL_UNSUPPORTED', `Models of the format ${format} cannot be loaded here`);
    const opened = open();
    this.#opened.set(format, opened);
    return opened;
  }
}
