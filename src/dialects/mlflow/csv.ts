import { isUtf8 } from 'node:buffer';
import { parse } from 'csv-parse/sync';
import { AppError, messageOf } from '../../kernel/errors.ts';
import type { Invocation } from './invocation.ts';

/** CSV with a header line, as `DataFrame.to_csv()` writes it (RFC 4180). Lines may be shorter than the header, never longer. */
export function readCsv(body: Buffer): Invocation {
  if (!isUtf8(body))
    throw new AppError('BODY_MALFORMED', 'Ensure that input is a valid UTF-8 encoded string');
  const lines = parseLines(body);
  const [columns, ...rows] = lines;
  if (columns === undefined) throw invalid('No columns to parse from file');
  const long = rows.findIndex((row) => row.length > columns.length);
  if (long !== -1) {
    const [expected, saw] = [columns.length, rows[long]?.length];
    throw invalid(`Expected ${expected} fields in line ${long + 2}, saw ${saw}`);
  }
  return { form: 'frame', columns, rows, isText: true };
}

function parseLines(body: Buffer): string[][] {
  try {
    return parse(body, { bom: true, relaxColumnCount: true, skipEmptyLines: true });
  } catch (error) {
    throw invalid(messageOf(error));
  }
}

function invalid(reason: string): AppError {
  return new AppError(
    'REQUEST_MALFORMED',
    `Failed to parse input as a Pandas DataFrame. Ensure that the input is a valid CSV-formatted Pandas DataFrame produced using the \`pandas.DataFrame.to_csv()\` method. Error: '${reason}'`,
  );
}
