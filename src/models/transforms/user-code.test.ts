import { describe, expect, it } from 'vitest';
import { javaScriptOf, loadUserCode } from './user-code.ts';

const TYPESCRIPT = `
import { createHash } from 'node:crypto';
interface Raw { readonly radius: number; readonly ward?: string | null }
export const fields = [
  { name: 'radius', type: 'number', minimum: 0 },
  { name: 'ward', type: 'string', required: false },
];
export const columns = ['size', 'ward'];
export function transformRawInput(raw: Raw): number[] {
  const ward: string = raw.ward ?? 'none';
  return [Math.sqrt(raw.radius), createHash('sha256').update(ward).digest()[0]! / 255];
}
`;
const DECLARED = 'export const fields = [{ name: "a", type: "number" }]; export const columns = ["a"];';

describe('loadUserCode', () => {
  it('runs what was written in TypeScript', async () => {
    const transform = await loadUserCode(javaScriptOf(TYPESCRIPT));
    expect(transform.fields.map(({ name, required, minimum }) => [name, required, minimum])).toEqual([
      ['radius', true, 0],
      ['ward', false, undefined],
    ]);
    expect(transform).toMatchObject({ columns: ['size', 'ward'], executesCode: true });
    expect(transform.fingerprint).toMatch(/^[0-9a-f]{64}$/);
    const out = new Float32Array(5);
    transform.encode({ radius: 9, ward: null }, out, 2);
    expect(out[2]).toBe(3);
    expect(out[3]).toBeGreaterThan(0);
    expect(transform.edgeRows().some((row) => row['ward'] === null)).toBe(true);
  });

  it('hands each row over as a copy', async () => {
    const transform = await loadUserCode(
      `${DECLARED} export const transformRawInput = (raw) => { raw.a = 2; return [raw.a]; };`,
    );
    const row = { a: 1 };
    transform.encode(row, new Float32Array(1), 0);
    expect(row).toEqual({ a: 1 });
  });

  it.each([
    ['too few numbers', '() => []', 'must answer 1 numbers'],
    ['a promise', 'async () => [1]', 'must answer 1 numbers'],
    ['nothing', '() => undefined', 'must answer 1 numbers'],
    ['a text', '() => ["1"]', 'no number for "a"'],
  ])('fails a row for which it answers %s', async (_, body, reason) => {
    const transform = await loadUserCode(`${DECLARED} export const transformRawInput = ${body};`);
    const run = () => transform.encode({ a: 1 }, new Float32Array(1), 0);
    expect(run).toThrow(expect.objectContaining({ code: 'INFERENCE_FAILED' }));
    expect(run).toThrow(reason);
  });

  it('lists everything that a module lacks', async () => {
    await expect(loadUserCode('export const fields = [{ name: "a", type: "text" }];')).rejects.toMatchObject({
      code: 'TRANSFORM_INVALID',
      problems: [{ path: 'fields[0].type' }, { path: 'columns' }, { path: 'transformRawInput' }],
    });
  });

  it.each([
    ['a package', 'import "left-pad";', /what comes with Node and nothing else/],
    ['what throws', 'throw new Error("no such table");', /no such table/],
    ['what is no JavaScript', 'export const = 1;', /cannot be loaded/],
  ])('refuses %s', async (_, code, reason) => {
    await expect(loadUserCode(code)).rejects.toThrow(reason);
  });
});

describe('javaScriptOf', () => {
  it('says where TypeScript cannot be read', () => {
    expect(() => javaScriptOf('export const a: = 1;')).toThrow(/not valid TypeScript.*1:17/);
  });
});
