import { isUtf8 } from 'node:buffer';
import { AppError } from '../../kernel/errors.ts';
import { requireRows } from '../../serving/row.ts';
import { type InvocationData, MAX_COLUMNS } from './invocation.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const LF = 0x0a;
const CR = 0x0d;
const BYTE_ORDER_MARK = 0xfeff;

/**
 * CSV with a header line, as `DataFrame.to_csv()` writes it (RFC 4180) and pandas reads it: lines end in LF, CR or both,
 * blank ones count for nothing, and a line may be shorter than the header and never longer. It stops at the first line
 * that is too much: a library that reads to the end first makes a gigabyte of ten megabytes of commas.
 */
export function readCsv(body: Buffer, maxRows: number): InvocationData {
  if (!isUtf8(body))
    throw new AppError('BODY_MALFORMED', 'Ensure that input is a valid UTF-8 encoded string');
  const [columns, ...rows] = linesOf(body.toString('utf8'), maxRows);
  if (columns === undefined) throw invalid('No columns to parse from file');
  return { form: 'frame', columns, rows, isText: true };
}

function linesOf(text: string, maxRows: number): readonly string[][] {
  const lines: string[][] = [];
  let cells: string[] = [];
  let at = text.charCodeAt(0) === BYTE_ORDER_MARK ? 1 : 0;
  let line = 1;
  while (at < text.length) {
    const isQuoted = text.charCodeAt(at) === QUOTE;
    const cell = isQuoted ? quotedCell(text, at, line) : plainCell(text, at);
    at = cell.end;
    cells.push(cell.value);
    const most = lines[0]?.length ?? MAX_COLUMNS;
    if (cells.length > most) throw invalid(`Expected ${most} fields in line ${line}, saw more`);
    if (text.charCodeAt(at) === COMMA) {
      at++;
      if (at < text.length) continue;
      cells.push('');
    }
    const isBlank = cells.length === 1 && !isQuoted && cells[0]?.trim() === '';
    if (!isBlank) {
      requireRows(lines.length, maxRows);
      lines.push(cells);
    }
    cells = [];
    at += text.charCodeAt(at) === CR && text.charCodeAt(at + 1) === LF ? 2 : 1;
    line++;
  }
  return lines;
}

interface Cell {
  readonly value: string;
  /** Of the comma or the end of the line behind it. */
  readonly end: number;
}

function plainCell(text: string, start: number): Cell {
  let end = start;
  for (let unit = text.charCodeAt(end); !isEnd(unit); unit = text.charCodeAt(end)) end++;
  return { value: text.slice(start, end), end };
}

/** NaN is the code behind the last one. */
function isEnd(unit: number): boolean {
  return unit === COMMA || unit === LF || unit === CR || Number.isNaN(unit);
}

/** What stands behind the closing quote belongs to the cell, as pandas has it. */
function quotedCell(text: string, start: number, line: number): Cell {
  let value = '';
  for (let from = start + 1; ; ) {
    const quote = text.indexOf('"', from);
    if (quote === -1) throw invalid(`EOF inside string starting at line ${line}`);
    const isDoubled = text.charCodeAt(quote + 1) === QUOTE;
    value += text.slice(from, isDoubled ? quote + 1 : quote);
    from = quote + 2;
    if (isDoubled) continue;
    const rest = plainCell(text, quote + 1);
    return { value: value + rest.value, end: rest.end };
  }
}

function invalid(reason: string): AppError {
  return new AppError(
    'REQUEST_MALFORMED',
    `Failed to parse input as a Pandas DataFrame. Ensure that the input is a valid CSV-formatted Pandas DataFrame produced using the \`pandas.DataFrame.to_csv()\` method. Error: '${reason}'`,
  );
}
