import { describe, expect, it } from 'vitest';
import { problem } from '../contracts/native.ts';
import { AppError, ERROR_CODES, type ErrorCode } from '../kernel/errors.ts';
import { problemOf, toAppError } from './problem-response.ts';

const SECRET = '/srv/models/secret.onnx: row {"ssn": 1}';

describe('problemOf', () => {
  it.each(Object.keys(ERROR_CODES) as ErrorCode[])('%s fits the contract', (code) => {
    const body = problemOf(new AppError(code, SECRET), 'abc');
    expect(problem.parse(body)).toEqual(body);
    expect(body).toMatchObject({ code, request_id: 'abc', type: `urn:slipway:error:${code}` });
    expect(body).not.toHaveProperty('errors');
    expect(body.status).toBeGreaterThanOrEqual(400);
  });

  it.each(['INTERNAL', 'INFERENCE_FAILED'] as const)('%s keeps what happened inside', (code) => {
    const body = problemOf(new AppError(code, SECRET, { cause: new Error(SECRET) }), 'abc');
    expect(JSON.stringify(body)).not.toContain('secret');
    expect(body.status).toBe(500);
  });

  it('shows and bounds what the caller did wrong', () => {
    const problems = [{ path: 'x', message: 'is missing', expected: 'number', got: 'nothing' }];
    const body = problemOf(new AppError('INPUT_INVALID', 'x'.repeat(5_000), { problems }), 'abc');
    expect(body).toMatchObject({ status: 422, errors: problems });
    expect(body.detail).toHaveLength(1_000);
  });
});

describe('toAppError', () => {
  it('keeps our own', () => {
    const error = new AppError('NOT_READY', 'x');
    expect(toAppError(error)).toBe(error);
  });

  it.each([
    ['FST_ERR_CTP_BODY_TOO_LARGE', 'BODY_TOO_LARGE'],
    ['FST_ERR_CTP_INVALID_MEDIA_TYPE', 'CONTENT_TYPE_UNSUPPORTED'],
    ['FST_ERR_BAD_URL', 'REQUEST_MALFORMED'],
    ['ECONNRESET', 'REQUEST_MALFORMED'],
    ['ERR_SOMETHING_NEW', 'INTERNAL'],
  ])('%s is %s', (code, ours) => {
    const thrown = Object.assign(new Error(SECRET), { code });
    expect(toAppError(thrown)).toMatchObject({ code: ours, cause: thrown });
  });

  it.each([null, undefined, 'text', 7, {}])('takes %j', (thrown) => {
    expect(toAppError(thrown).code).toBe('INTERNAL');
  });
});
