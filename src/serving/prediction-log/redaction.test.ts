import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { parsedRow } from '../../../test/support/serving-fakes.ts';
import { compileRedaction, type Redact } from './redaction.ts';

const KEY = 'a key of sixteen or more';

function redact(rules: Parameters<typeof compileRedaction>[0], key: string | undefined = KEY): Redact {
  return compileRedaction(rules, key) as Redact;
}

describe('compileRedaction', () => {
  it('is nothing when there is nothing to do', () => {
    expect(compileRedaction({}, KEY)).toBeNull();
  });

  it('drops and hashes, and leaves the row that the model gets alone', () => {
    const row = { zip: '90210', name: 'Ada', age: 36 };
    const logged = redact({ zip: 'hash', name: 'drop' })(row);
    const hash = createHmac('sha256', KEY).update('"90210"').digest('hex').slice(0, 32);
    expect(logged).toEqual({ zip: `hmac:${hash}`, age: 36 });
    expect(row).toEqual({ zip: '90210', name: 'Ada', age: 36 });
  });

  it('gives equal values equal hashes, under one key and type', () => {
    const hash = (value: string | number | null, key = KEY) => redact({ a: 'hash' }, key)({ a: value })['a'];
    expect(hash('1')).toBe(hash('1'));
    expect(new Set([hash('1'), hash(1), hash('2'), hash(null), hash('1', `${KEY}!`)]).size).toBe(5);
  });

  it('drops what it was to hash without a key', () => {
    expect((compileRedaction({ zip: 'hash' }, undefined) as Redact)({ zip: '90210', age: 36 })).toEqual({
      age: 36,
    });
  });

  it('passes over fields that are not there', () => {
    expect(redact({ zip: 'hash', name: 'drop' })({ age: 36 })).toEqual({ age: 36 });
  });

  it.each(['__proto__', 'constructor', 'toString'])('takes %s for a field like any other', (name) => {
    const hash = redact(parsedRow(`{"${name}":"hash"}`) as never);
    expect(JSON.stringify(hash(parsedRow('{"age":36}')))).toBe('{"age":36}');
    expect(JSON.stringify(hash(parsedRow(`{"${name}":"secret"}`)))).toMatch(
      /^\{"[a-zA-Z_]+":"hmac:[0-9a-f]{32}"\}$/,
    );
    const drop = redact(parsedRow(`{"${name}":"drop"}`) as never);
    expect(JSON.stringify(drop(parsedRow(`{"${name}":"secret","age":36}`)))).toBe('{"age":36}');
  });
});
