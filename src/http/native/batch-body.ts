import { AppError } from '../../kernel/errors.ts';
import { isJsonObject, type JsonValue, jsonTypeOf } from '../../kernel/json.ts';
import type { RowTable } from '../../models/row-table.ts';
import type { TableReader } from '../../models/table-reader.ts';
import type { RowTexts } from '../../serving/admitted-rows.ts';
import { lineText, parseBody } from '../parse-body.ts';

/** The rows of a batch as they will be run, or as they have to be checked. */
export interface BatchBody {
  readonly rows: RowTable | readonly JsonValue[];
  readonly texts: RowTexts;
}

const HEAD = /^[ \t\r\n]*\{[ \t\r\n]*"(?:instances|features)"[ \t\r\n]*:[ \t\r\n]*(?=\[)/;
const TAIL = /^[ \t\r\n]*\}[ \t\r\n]*$/;
/** Longer heads and tails are read like any JSON. */
const MOST_AROUND = 64;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** `{"instances": [{…}, …]}`; BODY_MALFORMED and REQUEST_MALFORMED where it is something else. */
export function readBatch(body: Buffer, tables: TableReader | null): BatchBody {
  return (tables && tableIn(body, tables)) ?? valuesIn(body);
}

function tableIn(body: Buffer, tables: TableReader): BatchBody | null {
  const [head] = HEAD.exec(body.toString('latin1', 0, MOST_AROUND)) ?? [];
  if (head === undefined) return null;
  const found = tables.read(body, head.length);
  if (found === null) return null;
  const tail = body.subarray(found.end);
  if (tail.length > MOST_AROUND || !TAIL.test(tail.toString('latin1'))) return null;
  const list = body.subarray(0, found.end);
  const isOneLine = !list.includes(LINE_FEED) && !list.includes(CARRIAGE_RETURN);
  return { rows: found.table, texts: isOneLine ? found.texts.map(lineText) : null };
}

function valuesIn(body: Buffer): BatchBody {
  const { value, elements } = parseBody(body);
  const rows = isJsonObject(value) ? (value['instances'] ?? value['features']) : undefined;
  if (Array.isArray(rows)) return { rows, texts: elements?.length === rows.length ? elements : null };
  throw new AppError('REQUEST_MALFORMED', 'A batch is {"instances": [{…}, …]}', {
    problems: [
      {
        path: 'instances',
        message: 'is missing or not a list',
        expected: 'array of rows',
        got: jsonTypeOf(isJsonObject(value) ? rows : value),
      },
    ],
  });
}
