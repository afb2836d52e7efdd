import { expect, it } from 'vitest';
import { boundedFields, cutText } from './bounded-fields.ts';

it('turns an error into ECS fields, with its causes', () => {
  const error = new TypeError('outer', { cause: new Error('inner') });
  const fields = boundedFields({ error });
  expect(fields).toMatchObject({ 'error.type': 'TypeError', 'error.message': 'outer' });
  expect(fields['error.stack_trace']).toMatch(/^TypeError: outer\n.*\nCaused by: Error: inner\n/s);
  expect(boundedFields({ error: 'text' })).toEqual({ 'error.message': 'text' });
  expect(boundedFields({ error: { a: 1 } })).toEqual({ 'error.message': '{"a":1}' });
  expect(boundedFields({ error: undefined })).toEqual({});
});

it('does not let a field double a key of the line', () => {
  expect(boundedFields({ message: 'x', '@timestamp': 1, 'trace.id': 't' })).toEqual({
    'labels.message': 'x',
    'labels.@timestamp': 1,
    'trace.id': 't',
  });
});

it('bounds length, number and depth, and takes anything', () => {
  const loop: Record<string, unknown> = { name: 'x' };
  loop['self'] = loop;
  const trap = Object.defineProperty({}, 'bad', {
    enumerable: true,
    get: () => expect.fail('never thrown out'),
  });
  const many = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`k${index}`, index]));
  expect(Object.keys(boundedFields(many))).toHaveLength(64);
  const fields = boundedFields({
    long: 'y'.repeat(9_999),
    loop,
    trap,
    big: 10n,
    list: new Array(99).fill(1),
    nan: Number.NaN,
  });
  expect(fields['long']).toBe(`${'y'.repeat(4_096)}… (9999 characters)`);
  expect(JSON.stringify(fields['loop'])).toBe(
    '{"name":"x","self":{"name":"x","self":{"name":"x","self":"[…]"}}}',
  );
  expect(fields).toMatchObject({ trap: { bad: '[unreadable]' }, big: '10', nan: 'NaN' });
  expect(fields['list']).toHaveLength(50);
  expect(boundedFields({ at: new Date(0), bytes: new Uint8Array(3), f: () => 1 })).toEqual({
    at: '1970-01-01T00:00:00.000Z',
    bytes: '[3 bytes]',
    f: undefined,
  });
  expect(cutText('abc', 3)).toBe('abc');
});
