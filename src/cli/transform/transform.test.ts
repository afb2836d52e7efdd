import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { encodeDataFile, openDataFile } from '../../datasets/data-file.ts';
import { isJsonObject, type JsonObject } from '../../kernel/json.ts';
import type { CliContext } from '../context.ts';
import { runCli } from '../program.ts';

let cwd: string;
/** The signal that a command gets, if any. */
let stop: Promise<string> | null = null;
const ROWS: readonly JsonObject[] = [
  { id: 1, price: 2, kind: 'b', at: '2026-03-01' },
  { id: 2, price: null, kind: 'a', at: '2026-03-02' },
  { id: 3, price: 6, kind: 'b', at: '2026-03-03' },
];
const SPEC = `
schema: slipway.transform/1
fields:
  - { name: price, type: number, unit: EUR, required: false }
  - { name: kind, type: string }
  - { name: at, type: datetime }
outputs:
  - { name: price, from: price, steps: [{ op: impute, with: median }, { op: min_max }] }
  - { name: kind, from: kind, steps: [{ op: one_hot }] }
  - { name: day, from: at, steps: [{ op: day }] }
`;

beforeEach(async () => {
  cwd = await mkdtemp(path.join(tmpdir(), 'slipway-transform-'));
  onTestFinished(() => rm(cwd, { recursive: true, force: true }));
  await writeFile(path.join(cwd, 'transform.yaml'), SPEC);
});

/** Writes the rows as `train.jsonl` and `train.csv`, and runs `slipway transform`. */
async function slipway(rows: readonly JsonObject[], ...argv: string[]) {
  const names = Object.keys(rows[0] ?? {});
  const lines = [names, ...rows.map((row) => names.map((name) => row[name] ?? ''))];
  await writeFile(path.join(cwd, 'train.csv'), lines.map((line) => `${line.join()}\n`).join(''));
  await writeFile(path.join(cwd, 'train.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const out: string[] = [];
  const err: string[] = [];
  const context = {
    version: '0',
    env: {},
    cwd,
    out: (text: string) => void out.push(text),
    err: (text: string) => void err.push(text),
    openRows: openDataFile,
    encodeFile: encodeDataFile,
    isTerminal: false,
    untilSignal: () => stop ?? new Promise(() => undefined),
  } as unknown as CliContext;
  const code = await runCli(['transform', ...argv], context);
  process.exitCode = undefined;
  return { code, out: out.join(''), err: err.join('') };
}

const read = (name: string): Promise<string> => readFile(path.join(cwd, name), 'utf8');

describe('slipway transform', () => {
  it('is declared, checked, fitted and applied', async () => {
    const unfitted = await slipway([], 'check', 'transform.yaml');
    expect(unfitted.out).toContain('Not fitted yet: price: impute, price: min_max, kind: one_hot');
    expect(unfitted.out).toContain('price → impute → min_max → price');
    const fit = await slipway(ROWS, 'fit', 'transform.yaml', '--data', 'train.jsonl', '--json');
    expect(fit).toMatchObject({ code: 0, err: '' });
    expect(JSON.parse(fit.out)).toMatchObject({ columns: ['price', 'kind_a', 'kind_b', 'day'] });
    const checked = await slipway([], 'check', 'transform.json', '--json');
    expect(JSON.parse(checked.out)).toMatchObject({
      not_fitted: [],
      fingerprint: JSON.parse(fit.out).fingerprint,
    });
    await slipway(ROWS, 'apply', 'transform.json', '--data', 'train.jsonl');
    expect(await read('matrix.csv')).toBe('price,kind_a,kind_b,day\n0,0,1,1\n0.5,1,0,2\n1,0,1,3\n');
  });

  it('leaves nothing half-done behind rows that do not fit', async () => {
    await slipway(ROWS, 'fit', 'transform.yaml', '--data', 'train.jsonl');
    const bad = [...ROWS, { id: 4, price: 1, kind: 'new', at: 'soon' }];
    const { code, err } = await slipway(bad, 'apply', 'transform.json', '--data', 'train.jsonl', '--json');
    expect(code).toBe(2);
    const problem: unknown = JSON.parse(err);
    expect(isJsonObject(problem)).toBe(true);
    expect(err).toContain('row 4: kind');
    expect(err).toContain('must be one of a, b');
    expect(err).toContain('must be a date or time');
    expect(await readdir(cwd)).toEqual(['train.csv', 'train.jsonl', 'transform.json', 'transform.yaml']);
  });

  it('names every fault of a spec, and a file that is not there', async () => {
    await writeFile(
      path.join(cwd, 'transform.yaml'),
      SPEC.replace('op: day', 'op: dya').replace('from: kind', 'from: sort'),
    );
    const { code, err } = await slipway([], 'check', 'transform.yaml', '--json');
    expect(code).toBe(2);
    expect(err).toContain('outputs[2].steps[0].op');
    expect(err).toContain('outputs[1].from');
    expect((await slipway([], 'check', 'nothing.yaml')).err).toContain('nothing.yaml');
  });

  it('applies to CSV, keeps columns, and writes nothing under the name when a signal stops it', async () => {
    await slipway(ROWS, 'fit', 'transform.yaml', '--data', 'train.csv');
    const apply = ['apply', 'transform.json', '--data', 'train.csv', '--keep', 'id', '--json'];
    const { out } = await slipway(ROWS, ...apply);
    expect(JSON.parse(out)).toEqual({ out: 'matrix.csv', rows: 3 });
    expect(await read('matrix.csv')).toBe('price,kind_a,kind_b,day,id\n0,0,1,1,1\n0.5,1,0,2,2\n1,0,1,3,3\n');
    stop = Promise.resolve('SIGTERM');
    const stopped = await slipway(ROWS, ...apply, '--out', 'stopped.csv');
    stop = null;
    expect(stopped).toMatchObject({ code: 130, out: '', err: 'SIGTERM: stopped, nothing was written\n' });
    expect((await readdir(cwd)).filter((name) => name.startsWith('stopped'))).toEqual([]);
  });

  it('says which operation of two transforms differs, with exit code 1, and what that does to rows', async () => {
    await slipway(ROWS, 'fit', 'transform.yaml', '--data', 'train.csv', '--out', 'a.json');
    await slipway(ROWS.slice(0, 2), 'fit', 'transform.yaml', '--data', 'train.csv', '--out', 'b.json');
    expect(await slipway(ROWS, 'diff', 'a.json', 'a.json')).toMatchObject({
      code: 0,
      out: 'The transforms are the same.\n',
    });
    const { code, out } = await slipway(ROWS, 'diff', 'a.json', 'b.json', '--data', 'train.csv');
    expect(code).toBe(1);
    expect(out).toContain('outputs.price.steps[0].fitted.value (impute): 4 in A, 2 in B (by -2)');
    expect(out).toMatch(/^price +\d+ +\S+ +\d+ +impute$/m);
    const json: unknown = JSON.parse(
      (await slipway(ROWS, 'diff', 'a.json', 'b.json', '--data', 'train.csv', '--json')).out,
    );
    expect(json).toMatchObject({ data: { rows: 3, columns: [{ column: 'price', operation: 'impute' }] } });
  });

  it('imports feature names and encoding mappings, printed or into a file', async () => {
    const mappings = { feature_names: ['age', 'city'], encoding_mappings: { city: { low: 0, high: 5 } } };
    await writeFile(path.join(cwd, 'metadata.json'), JSON.stringify(mappings));
    const printed = await slipway([], 'import', 'metadata.json', '--json');
    expect(JSON.parse(printed.out)).toMatchObject({ fields: [{ name: 'age' }, { name: 'city' }] });
    const written = await slipway([], 'import', 'metadata.json', '--out', 'imported.yaml');
    expect(written).toMatchObject({ code: 0, out: 'imported.yaml: 2 fields, 2 outputs\n' });
    expect((await slipway([], 'check', 'imported.yaml')).out).toContain('2 columns: age, city');
  });
});
