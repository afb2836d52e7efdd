import { createReadStream, type ReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { AppError, messageOf } from '../kernel/errors.ts';
import { isJsonObject, type JsonObject } from '../kernel/json.ts';
import type { TrainingRows } from '../models/transforms/column-batch.ts';

const BATCH_ROWS = 1_000;

/** A file of JSON Lines: one object a line, empty lines passed over. Read in pieces, as often as it is gone through. */
export class JsonLines implements TrainingRows {
  readonly name: string;
  #input: ReadStream | null = null;
  #bytes = 0;

  constructor(file: string) {
    this.name = file;
  }

  async *rows(): AsyncGenerator<readonly JsonObject[]> {
    let batch: JsonObject[] = [];
    let number = 0;
    try {
      this.#bytes = (await stat(this.name)).size;
      this.#input = createReadStream(this.name);
      for await (const line of createInterface({ input: this.#input, crlfDelay: Infinity })) {
        number++;
        if (line.trim() === '') continue;
        batch.push(this.#parse(line, number));
        if (batch.length < BATCH_ROWS) continue;
        yield batch;
        batch = [];
      }
    } catch (error) {
      if (error instanceof AppError) throw error;
      throw new AppError('ARGUMENT_INVALID', `${this.name}: ${messageOf(error)}`, { cause: error });
    }
    if (batch.length > 0) yield batch;
  }

  /** How much of the file the pass that runs has read, 0 to 1. */
  share(): number | null {
    return this.#input === null || this.#bytes === 0 ? null : this.#input.bytesRead / this.#bytes;
  }

  #parse(line: string, number: number): JsonObject {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      value = undefined;
    }
    if (isJsonObject(value)) return value;
    throw new AppError(
      'ARGUMENT_INVALID',
      `${this.name}, line ${number}: each line must be one JSON object of fields`,
    );
  }
}
