import { describe, expect, it } from 'vitest';
import { AppError } from '../../kernel/errors.ts';
import { readCsv } from './csv.ts';

function read(text: string | Buffer, maxRows = 10): unknown {
  return readCsv(Buffer.from(text), maxRows);
}

function refusal(text: string | Buffer, maxRows = 10): string {
  try {
    read(text, maxRows);
  } catch (error) {
    if (error instanceof AppError) return `${error.code}: ${error.message}`;
    throw error;
  }
  throw new Error('it was read');
}

describe('CSV', () => {
  it.each([
    ['LF', 'a,b\n1,2\n3,4\n'],
    ['CRLF', 'a,b\r\n1,2\r\n3,4\r\n'],
    ['CR', 'a,b\r1,2\r3,4\r'],
    ['this and that', 'a,b\r\n1,2\n3,4\r'],
    ['no end of the last line', 'a,b\n1,2\n3,4'],
    ['blank lines', '\na,b\n\n1,2\n  \n3,4\n\n'],
    ['a byte order mark', '\ufeffa,b\n1,2\n3,4\n'],
    ['quotes', '"a","b"\n"1","2"\n"3","4"\n'],
  ])('with %s is a header and rows', (_, text) => {
    expect(read(text)).toEqual({
      form: 'frame',
      columns: ['a', 'b'],
      rows: [
        ['1', '2'],
        ['3', '4'],
      ],
      isText: true,
    });
  });

  it.each([
    ['"a,b"', 'a,b'],
    ['"say ""red"""', 'say "red"'],
    ['"two\r\nlines"', 'two\r\nlines'],
    ['re"d"', 're"d"'],
    ['"re"d', 'red'],
    [' x ', ' x '],
    ['""', ''],
    ['grün 😀', 'grün 😀'],
  ])('has the cell %j as %j', (text, cell) => {
    expect(read(`a,b\n${text},2\n`)).toMatchObject({ rows: [[cell, '2']] });
    expect(read(`a,b\n2,${text}`)).toMatchObject({ rows: [['2', cell]] });
  });

  it('may have short lines, and cells of nothing at their ends', () => {
    expect(read('a,b,c\n1\n1,\n,,')).toMatchObject({ rows: [['1'], ['1', ''], ['', '', '']] });
    expect(read('a\n""\n')).toMatchObject({ rows: [['']] });
  });

  it('is refused with what is wrong', () => {
    expect(refusal('')).toContain('No columns to parse from file');
    expect(refusal('\n \n')).toContain('No columns to parse from file');
    expect(refusal('a,b\n1,2\n1,2,3\n')).toMatch(/REQUEST_MALFORMED.*Expected 2 fields in line 3, saw more/);
    expect(refusal('a,b\n"1,2\n3,4\n')).toContain('EOF inside string starting at line 2');
    expect(refusal(Buffer.from([0x61, 0x0a, 0xff]))).toContain('BODY_MALFORMED');
  });

  it('is read no further than the rows and columns that there may be', () => {
    expect(read('a\n1\n2\n', 2)).toMatchObject({ rows: [['1'], ['2']] });
    expect(refusal(`a\n${'1\n'.repeat(1_000_000)}"`, 2)).toMatch(/^BODY_TOO_LARGE: 3 rows/);
    expect(refusal(`${','.repeat(1_000_000)}"`)).toContain('Expected 20000 fields in line 1, saw more');
    expect(refusal(`a,b\n${','.repeat(1_000_000)}"`)).toContain('Expected 2 fields in line 2');
  });
});
