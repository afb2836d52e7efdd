import { describe, expect, it } from 'vitest';
import { AppError } from '../../kernel/errors.ts';
import { faultOf } from './fault.ts';

const SECRET = 'password in /etc/models';

describe('a fault in the words of MLflow', () => {
  it.each([
    ['BODY_MALFORMED', null, 'BAD_REQUEST', SECRET],
    ['INPUT_INVALID', 400, 'INVALID_PARAMETER_VALUE', SECRET],
    ['OVERLOADED', null, 'TEMPORARILY_UNAVAILABLE', SECRET],
    ['DEADLINE_EXCEEDED', null, 'DEADLINE_EXCEEDED', 'Request processing time exceeded limit'],
    ['INFERENCE_FAILED', 400, 'BAD_REQUEST', expect.stringContaining('while evaluating the model')],
    ['INTERNAL', null, 'INTERNAL_ERROR', 'The server log has the reason under the request id r-1'],
  ] as const)('has for %s the status, the code and the message', (code, status, errorCode, message) => {
    expect(faultOf(new AppError(code, SECRET), 'r-1')).toEqual({
      status,
      body: { error_code: errorCode, message },
    });
  });

  it('names twenty fields, and says how many more there are', () => {
    const problems = Array.from({ length: 23 }, (_, i) => ({
      path: `f${i}`,
      message: 'is missing',
      expected: 'number',
    }));
    const { message } = faultOf(new AppError('INPUT_INVALID', '', { problems }), '').body;
    expect(message).toMatch(/^Failed to predict data\. Error: f0 is missing \(expected number\); f1 /);
    expect(message).toMatch(/f19 is missing \(expected number\); and 3 more$/);
  });
});
