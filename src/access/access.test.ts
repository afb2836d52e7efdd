import { describe, expect, it } from 'vitest';
import { createAccess } from './access.ts';

const KEY = 'correct-horse-battery';
const caller = (headers: Record<string, string> = {}, remoteAddress: string | undefined = '203.0.113.9') => ({
  headers,
  remoteAddress,
});
const local = (headers: Record<string, string> = {}, remoteAddress = '127.0.0.1') =>
  caller({ host: 'localhost:8000', ...headers }, remoteAddress);

describe('with a key', () => {
  const { requireKey, requireChange } = createAccess(KEY);

  it.each([{ 'x-api-key': KEY }, { authorization: `Bearer ${KEY}` }, { authorization: `bearer   ${KEY}` }])(
    'lets %j in',
    (headers) => {
      requireKey(caller(headers));
      requireChange(caller(headers));
    },
  );

  it.each([
    {},
    { 'x-api-key': '' },
    { 'x-api-key': `${KEY} ` },
    { 'x-api-key': KEY.slice(1) },
    { 'x-api-key': KEY.toUpperCase() },
    { authorization: KEY },
    { authorization: `Basic ${KEY}` },
    { authorization: 'Bearer ' },
  ] as Record<string, string>[])('keeps %j out', (headers) => {
    for (const require of [requireKey, requireChange])
      expect(() => require(caller(headers))).toThrow(expect.objectContaining({ code: 'API_KEY_MISSING' }));
  });

  it('makes no difference for loopback, and says nothing of the key', () => {
    expect(() => requireChange(local())).toThrow(expect.objectContaining({ code: 'API_KEY_MISSING' }));
    expect(() => requireKey(local({ 'x-api-key': 'wrong' }))).not.toThrow(/correct|horse|wrong/);
  });
});

describe('without a key', () => {
  const { requireKey, requireChange } = createAccess(undefined);

  it('anybody may read', () => requireKey(caller()));

  it.each([
    ['127.0.0.1', 'localhost:8000'],
    ['127.8.9.10', '127.0.0.1:9000'],
    ['::1', '[::1]:8000'],
    ['::ffff:127.0.0.1', 'LOCALHOST'],
  ])('%s with host %s may change', (address, host) => requireChange(local({ host }, address)));

  it('a page that it gave itself may change', () => {
    requireChange(local({ host: 'localhost:8000', origin: 'http://localhost:8000' }));
  });

  it.each([
    ['another machine', '203.0.113.9', { host: 'localhost:8000' }],
    ['an address that only begins so', '127.0.0.1.evil.example', { host: 'localhost' }],
    ['no address', undefined, { host: 'localhost' }],
    ['a rebound name', '127.0.0.1', { host: 'evil.example:8000' }],
    ['a name that only begins so', '127.0.0.1', { host: 'localhost.evil.example' }],
    ['no host', '127.0.0.1', {}],
    ['a proxy', '127.0.0.1', { host: 'localhost', 'x-forwarded-for': '203.0.113.9' }],
    ['a page of another site', '127.0.0.1', { host: 'localhost:8000', origin: 'https://evil.example' }],
    ['a page from a file', '127.0.0.1', { host: 'localhost:8000', origin: 'null' }],
    ['a proxy of RFC 7239', '127.0.0.1', { host: 'localhost', forwarded: 'for=203.0.113.9' }],
  ] as [string, string | undefined, Record<string, string>][])('%s may not', (_, address, headers) => {
    expect(() => requireChange({ headers, remoteAddress: address })).toThrow(
      expect.objectContaining({ code: 'NOT_ALLOWED' }),
    );
  });
});
