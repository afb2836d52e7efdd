import { type Field, floatMaximum, integerBounds } from '../signature.ts';
import type { ColumnBatch, FieldColumn } from './column-batch.ts';

/** Rows of a batch that do not fit the fields, in their order: the same that the record check refuses one by one. */
export type ColumnCheck = (batch: ColumnBatch) => readonly number[];

type ColumnTest = (column: FieldColumn, count: number, misfits: Set<number>) => void;

export function compileColumnCheck(fields: readonly Field[]): ColumnCheck {
  const tests = fields.map(compileTest);
  return (batch) => {
    const misfits = new Set(batch.misread.keys());
    for (const [i, test] of tests.entries()) {
      const column = batch.columns[i] ?? null;
      if (column !== null) test(column, batch.count, misfits);
      else if (fields[i]?.nullable === false) for (let row = 0; row < batch.count; row++) misfits.add(row);
    }
    return misfits.size === 0 ? NONE : [...misfits].sort((a, b) => a - b);
  };
}

const NONE: readonly number[] = [];

function compileTest(field: Field): ColumnTest {
  return field.type === 'string' && field.format === undefined ? textTest(field) : numberTest(field);
}

function numberTest({ type, format, nullable, minimum = -Infinity, maximum = Infinity }: Field): ColumnTest {
  const bounds = integerBounds(type);
  const largest = format === 'date-time' ? Infinity : (floatMaximum(type) ?? Number.MAX_VALUE);
  const least = Math.max(bounds?.[0] ?? -largest, minimum);
  const most = Math.min(bounds?.[1] ?? largest, maximum);
  return (column, count, misfits) => {
    for (let row = 0; row < count; row++) {
      const x = column[row] as number;
      if (x >= least && x <= most && (bounds === null || Number.isInteger(x))) continue;
      if (!nullable || !Number.isNaN(x)) misfits.add(row);
    }
  };
}

function textTest({ oneOf, nullable }: Field): ColumnTest {
  const allowed = oneOf === undefined ? null : new Set(oneOf);
  return (column, count, misfits) => {
    for (let row = 0; row < count; row++) {
      const text = column[row] as string | null;
      if (text === null ? !nullable : allowed !== null && !allowed.has(text)) misfits.add(row);
    }
  };
}
