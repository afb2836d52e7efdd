import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { AppError, messageOf } from '../kernel/errors.ts';
import { isJsonObject, type JsonObject } from '../kernel/json.ts';
import type { TrainingRows } from '../models/transforms/fit.ts';

const BATCH_ROWS = 1_000;

/** A file of JSON Lines: one object a line, empty lines passed over. Read in pieces, as often as it is gone through. */
export class JsonLines implements TrainingRows {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  async *rows(): AsyncGenerator<readonly JsonObject[]> {
    let batch: JsonObject[] = [];
    let number = 0;
    try {
      for await (const line of createInterface({
        input: createReadStream(this.#file),
        crlfDelay: Infinity,
      })) {
        number++;
        if (line.trim() === '') continue;
        batch.push(this.#parse(line, number));
        if (batch.length < BATCH_ROWS) continue;
        yield batch;
        batch = [];
      }
    } catch (error) {
      if (error instanceof AppError) throw error;
      throw new AppError('ARGUMENT_INVALID', `${this.#file}: ${messageOf(error)}`, { cause: error });
    }
    if (batch.length > 0) yield batch;
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
      `${this.#file}, line ${number}: each line must be one JSON object of fields`,
    );
  }
}
