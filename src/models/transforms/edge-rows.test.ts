import { describe, expect, it } from 'vitest';
import { WARD_ROW, WARD_TRANSFORM } from '../../../test/support/ward-transform.ts';
import { compileRecordCheck } from '../record-check.ts';
import { edgeRows } from './edge-rows.ts';
import { fieldsOf } from './signature-fields.ts';
import { parseTransform } from './spec.ts';

const spec = parseTransform(WARD_TRANSFORM);
const values = (name: string, rows = edgeRows(spec, WARD_ROW)) => new Set(rows.map((row) => row[name]));

describe('edgeRows', () => {
  it('begin with the usual row, and leave out what may be missing', () => {
    expect(edgeRows(spec, WARD_ROW)[0]).toEqual(WARD_ROW);
    expect(values('texture')).toContain(null);
    expect(values('radius')).not.toContain(null);
  });

  it('go to the bounds of numbers and to odd times', () => {
    expect(values('radius')).toEqual(new Set([14.2, 0, 100]));
    expect(values('texture')).toEqual(new Set([20.1, null, 0, -1e6, 1e6]));
    expect(values('seen')).toContain('2024-02-29T23:59:59.999Z');
  });

  it('show unknown categories where they are taken, and only there', () => {
    expect(values('ward')).toEqual(new Set(['A']));
    const lenient = structuredClone(WARD_TRANSFORM);
    Object.assign(lenient.outputs[3]?.steps[0] as object, { unknown: 'zeros' });
    expect(values('ward', edgeRows(parseTransform(lenient), WARD_ROW)).size).toBe(4);
  });

  it('make a usual row that fits where none is given', () => {
    const check = compileRecordCheck({ fields: fieldsOf(spec) });
    expect(edgeRows(spec).filter((row) => check.fits(row)).length).toBeGreaterThan(5);
  });
});
