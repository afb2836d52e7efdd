import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { JsonObject } from '../kernel/json.ts';
import { JsonLines } from './json-lines.ts';

async function fileOf(content: string): Promise<JsonLines> {
  const directory = await mkdtemp(path.join(tmpdir(), 'slipway-json-lines-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const file = path.join(directory, 'rows.jsonl');
  await writeFile(file, content);
  return new JsonLines(file);
}

async function all(lines: JsonLines): Promise<JsonObject[]> {
  const rows: JsonObject[] = [];
  for await (const batch of lines.rows()) rows.push(...batch);
  return rows;
}

it('reads every row, in batches, as often as it is asked', async () => {
  const rows = Array.from({ length: 2_500 }, (_, a) => ({ a, b: 'é\n' }));
  const lines = await fileOf(`${rows.map((row) => JSON.stringify(row)).join('\r\n')}\n\n`);
  expect(await all(lines)).toEqual(rows);
  expect(await all(lines)).toEqual(rows);
});

it('says which line is no row', async () => {
  await expect(all(await fileOf('{"a":1}\n[1]\n'))).rejects.toThrow(
    /rows.jsonl, line 2: each line must be one JSON/,
  );
  await expect(all(await fileOf('{"a":1}\n{"a":\n'))).rejects.toThrow('line 2');
});

it('says which file cannot be read', async () => {
  await expect(all(new JsonLines('/nowhere/rows.jsonl'))).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' });
});
