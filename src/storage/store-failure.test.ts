import { expect, it } from 'vitest';
import { postgresFailure, reasonOf, sqliteFailure } from './store-failure.ts';

function coded(fields: object): Error {
  return Object.assign(new Error('as the database says'), fields);
}

it.each([5, 6, 261, 10, 11, 13, 14, 26])('takes SQLite result %i as an unavailable store', (errcode) => {
  expect(sqliteFailure(coded({ errcode }))).toMatchObject({
    code: 'STORE_UNAVAILABLE',
    retryAfterSeconds: 5,
  });
});

it.each([1, 19, 2067])('leaves SQLite result %i as it is', (errcode) => {
  const error = coded({ errcode });
  expect(sqliteFailure(error)).toBe(error);
});

it.each([
  { code: '57P01', severity: 'FATAL' },
  { code: '53300', severity: 'FATAL' },
  { code: '40P01', severity: 'ERROR' },
  { code: '28P01', severity: 'FATAL' },
  { code: 'ECONNREFUSED' },
  { code: 'EPIPE' },
  {},
])('takes %j of PostgreSQL as an unavailable store', (fields) => {
  expect(postgresFailure(coded(fields))).toMatchObject({ code: 'STORE_UNAVAILABLE' });
});

it.each(['23505', '42P01', '22021'])('leaves SQLSTATE %s as it is', (code) => {
  const error = coded({ code, severity: 'ERROR' });
  expect(postgresFailure(error)).toBe(error);
});

it('tells the reason of both sides, and of each address that was tried', () => {
  expect(reasonOf(sqliteFailure(coded({ errcode: 5 })))).toBe(
    'The store is locked by another process (as the database says)',
  );
  expect(reasonOf(new AggregateError([new Error('no ::1'), new Error('no 127.0.0.1')], ''))).toBe(
    'no ::1; no 127.0.0.1',
  );
});
