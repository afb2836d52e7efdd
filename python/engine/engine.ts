import { parse } from 'yaml';
import { AppError, asAppError, messageOf } from '../../src/kernel/errors.ts';
import type { JsonValue } from '../../src/kernel/json.ts';
import { canonicalText } from '../../src/models/transforms/canonical.ts';
import { type CompiledTransform, compileTransform } from '../../src/models/transforms/compile.ts';
import { documentText } from '../../src/models/transforms/document-text.ts';
import { FaultyRows } from '../../src/models/transforms/faulty-rows.ts';
import { Fitting, unfitted } from '../../src/models/transforms/fit.ts';
import { importMappings } from '../../src/models/transforms/import-mappings.ts';
import { documentOf, parseTransform, type TransformSpec } from '../../src/models/transforms/spec.ts';
import { openTypedRows, type TypedColumn } from '../../src/models/transforms/typed-columns.ts';

/**
 * What the Python package calls of the engine: texts of JSON in and out, and one buffer that both sides see, in which
 * the columns of a piece of a table and the vectors made of them lie. It runs in a bare V8: nothing of Node is there.
 */
type Command = (argument: never) => unknown;

/** Where a column lies in the buffer, in bytes from its beginning. */
interface Layout {
  readonly name: string;
  readonly kind: TypedColumn['kind'];
  readonly at: number;
  readonly values?: readonly JsonValue[];
}

/** A piece of a table: `count` rows of which the first is row `first`, from 1. */
interface Piece {
  readonly id: number;
  readonly first: number;
  readonly count: number;
  readonly columns: readonly Layout[];
  /** Where the vectors go. */
  readonly out: number;
  /** Where the labels lie, if there are any. */
  readonly labels?: number;
}

interface Fit {
  readonly fitting: Fitting;
  readonly faulty: FaultyRows;
  rows: number;
  isFirst: boolean;
}

interface Application {
  readonly spec: TransformSpec;
  readonly compiled: CompiledTransform;
  faulty: FaultyRows;
  rows: number;
}

let memory = new ArrayBuffer(0);
let lastId = 0;
const fits = new Map<number, Fit>();
const applications = new Map<number, Application>();

const COMMANDS: Readonly<Record<string, Command>> = {
  /** Reads a document; `columns` is null while steps are `open`, not fitted. */
  read({ document }: { document: unknown }) {
    const spec = parseTransform(document);
    const open = spec.outputs.flatMap(({ name, steps }) =>
      steps
        .filter((step) => step.fitted === undefined)
        .map(({ operation }) => ({ path: name, message: `${operation.name} is not fitted: call fit first` })),
    );
    return {
      document: documentOf(spec),
      canonical: canonicalText(spec),
      columns: open.length === 0 ? compileTransform(spec).columns : null,
      open,
    };
  },
  /** The document that a text holds, in YAML or JSON. */
  parse({ text }: { text: string }) {
    try {
      return parse(text);
    } catch (error) {
      throw new AppError('TRANSFORM_INVALID', messageOf(error), { cause: error });
    }
  },

  /** A document as the text of its file. */
  text: ({ document }: { document: unknown }) => documentText(parseTransform(document)),

  fromMappings: ({ block }: { block: unknown }) => documentOf(importMappings(block)),
  /** Numbers as `as_text` writes them. */
  texts: ({ numbers }: { numbers: readonly number[] }) => numbers.map(String),

  beginFit({ document }: { document: unknown }) {
    const fitting = new Fitting(unfitted(parseTransform(document)));
    fits.set(++lastId, { fitting, faulty: new FaultyRows(), rows: 0, isFirst: true });
    return { id: lastId, done: fitting.isDone };
  },
  learn(piece: Piece) {
    const fit = taken(fits, piece.id);
    const { fitting, faulty, isFirst } = fit;
    const rows = openTypedRows(fitting.spec, columnsOf(piece), fitting.reader.places);
    const labels = piece.labels === undefined ? null : new Float64Array(memory, piece.labels, piece.count);
    for (let row = 0; row < piece.count; row++) {
      if (isFirst && !rows.fits(row)) faulty.add(rows.problems(row, `row ${piece.first + row}: `));
      if (faulty.count > 0) continue;
      rows.read(row, fitting.reader);
      fitting.learn(labels === null ? Number.NaN : (labels[row] as number));
    }
    fit.rows += piece.count;
    return null;
  },
  /** Answers with the fitted document when no further pass is needed. */
  endPass({ id }: { id: number }) {
    const fit = taken(fits, id);
    fit.faulty.throwIfAny(fit.rows);
    fit.fitting.endPass(fit.rows);
    fit.rows = 0;
    fit.isFirst = false;
    return fit.fitting.isDone ? documentOf(fit.fitting.spec) : null;
  },

  beginApply({ document }: { document: unknown }) {
    const spec = parseTransform(document);
    const compiled = compileTransform(spec);
    applications.set(++lastId, { spec, compiled, faulty: new FaultyRows(), rows: 0 });
    return { id: lastId };
  },
  apply(piece: Piece) {
    const application = taken(applications, piece.id);
    const { spec, compiled, faulty } = application;
    const rows = openTypedRows(spec, columnsOf(piece), compiled.reader.places);
    const width = compiled.columns.length;
    const out = new Float32Array(memory, piece.out, piece.count * width);
    for (let row = 0; row < piece.count; row++) {
      if (!rows.fits(row)) faulty.add(rows.problems(row, `row ${piece.first + row}: `));
      if (faulty.count > 0) continue;
      rows.read(row, compiled.reader);
      compiled.write(out, row * width);
    }
    application.rows += piece.count;
    return null;
  },
  /** After the last piece of a table. */
  endApply({ id }: { id: number }) {
    const application = taken(applications, id);
    const { faulty, rows } = application;
    application.faulty = new FaultyRows();
    application.rows = 0;
    faulty.throwIfAny(rows);
    return null;
  },

  close({ id }: { id: number }) {
    fits.delete(id);
    applications.delete(id);
    return null;
  },
};

/** A buffer of at least so many bytes; the one before it is given up. */
export function allocate(bytes: number): ArrayBuffer {
  if (memory.byteLength < bytes) memory = new ArrayBuffer(bytes);
  return memory;
}

/** Runs a command: `{"result": …}`, or `{"error": {code, message, problems}}`. */
export function call(name: string, argument: string): string {
  try {
    const command = COMMANDS[name] as Command;
    return JSON.stringify({ result: command(JSON.parse(argument) as never) });
  } catch (thrown) {
    const { code, message, problems } = asAppError(thrown);
    return JSON.stringify({ error: { code, message, problems } });
  }
}

function taken<Held>(held: ReadonlyMap<number, Held>, id: number): Held {
  const found = held.get(id);
  if (found === undefined) throw new RangeError(`nothing is open under ${id}`);
  return found;
}

function columnsOf({ columns, count }: Piece): ReadonlyMap<string, TypedColumn> {
  return new Map(columns.map((layout) => [layout.name, columnOf(layout, count)]));
}

function columnOf({ kind, at, values = [] }: Layout, count: number): TypedColumn {
  if (kind === 'values') return { kind, codes: new Int32Array(memory, at, count), values };
  if (kind === 'booleans') return { kind, bytes: new Uint8Array(memory, at, count) };
  return { kind, numbers: new Float64Array(memory, at, count) };
}
