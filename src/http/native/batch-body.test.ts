import { describe, expect, it } from 'vitest';
import { aField } from '../../../test/support/serving-fakes.ts';
import { RowTable } from '../../models/row-table.ts';
import { compileTableReader } from '../../models/table-reader.ts';
import { readBatch } from './batch-body.ts';

const TABLES = compileTableReader([aField('x'), aField('t', 'string')]);
const ROWS = [
  { x: 1, t: 'a' },
  { x: 2, t: 'b' },
];
const read = (text: string, tables = TABLES) => readBatch(Buffer.from(text), tables);

describe('rows that fit', () => {
  it.each(['instances', 'features'])('below %s are a table', (name) => {
    const { rows, texts } = read(JSON.stringify({ [name]: ROWS }));
    expect(rows).toBeInstanceOf(RowTable);
    expect((rows as RowTable).records()).toEqual(ROWS);
    expect(texts).toEqual(ROWS.map((row) => JSON.stringify(row)));
  });

  it('have no text for a log line where that takes more than one line, or is too long', () => {
    const spread = read(JSON.stringify({ instances: ROWS }, null, 1));
    expect((spread.rows as RowTable).records()).toEqual(ROWS);
    expect(spread.texts).toBeNull();
    expect(read(JSON.stringify({ instances: [{ x: 1, t: 'a'.repeat(5_000) }] })).texts).toEqual([null]);
  });

  it('may end in a new line', () => {
    expect(read(`${JSON.stringify({ instances: ROWS })}\n`).texts).not.toBeNull();
  });
});

describe('everything else is read as JSON', () => {
  it.each([
    ['rows that do not fit', { instances: [...ROWS, { x: 'a' }] }],
    ['rows with escapes', { instances: [{ x: 1, t: '"' }] }],
    ['arrays', { instances: [[1, 'a']] }],
    ['another member before', { id: 1, instances: ROWS }],
    ['another member behind', { instances: ROWS, id: 1 }],
    ['no rows', { instances: [] }],
  ])('%s', (_, body) => {
    expect(read(JSON.stringify(body)).rows).toEqual(body.instances);
  });

  it('where the model takes records only', () => {
    expect(read(JSON.stringify({ instances: ROWS }), null).rows).toEqual(ROWS);
  });

  it('rows under both names are those of instances, whichever comes first', () => {
    expect(read(JSON.stringify({ features: ROWS, instances: [] })).rows).toEqual([]);
    expect(read(`{"instances":${JSON.stringify(ROWS)},"instances":[]}`).rows).toEqual([]);
  });
});

describe('a body that is no batch is refused', () => {
  const table = JSON.stringify({ instances: ROWS });
  it.each([
    ['half of one', table.slice(0, -1), 'BODY_MALFORMED'],
    ['more behind it', `${table}{}`, 'BODY_MALFORMED'],
    ['nothing', '', 'BODY_MALFORMED'],
    ['a row', '{"x":1,"t":"a"}', 'REQUEST_MALFORMED'],
    ['a list', '[]', 'REQUEST_MALFORMED'],
    ['instances of another kind', '{"instances":{}}', 'REQUEST_MALFORMED'],
  ])('%s', (_, text, code) => {
    expect(() => read(text)).toThrow(expect.objectContaining({ code }));
  });
});
