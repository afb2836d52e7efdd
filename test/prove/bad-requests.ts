import { gzipSync } from 'node:zlib';
import type { Random } from './proof.ts';
import type { Sent } from './raw.ts';

/** Markers of what was sent: of values, which may never come back, and of names, which may in part. */
export const VALUE_MARK = 'zqvalue';
export const NAME_MARK = 'zqname';

export interface BadRequest extends Sent {
  readonly kind: string;
  readonly isHead?: boolean;
  /** Rows or labels of a list, each of which has a result of its own. */
  readonly rows?: number;
  /** The connection may end without an answer: there is nothing to which HTTP could answer. */
  readonly mayBeCut?: boolean;
}

type Make = (random: Random, good: Record<string, unknown>) => Omit<BadRequest, 'kind'>;

const JSON_TYPE = 'content-type: application/json';

/** One request with `connection: close`, its body in one piece. */
function http(
  start: string,
  headers: readonly string[],
  body: Buffer | string = '',
  more: Partial<BadRequest> = {},
): Omit<BadRequest, 'kind'> {
  const content = Buffer.from(body);
  const length = content.length > 0 || start.startsWith('POST') ? [`content-length: ${content.length}`] : [];
  const head = `${start} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n${[...headers, ...length].map((line) => `${line}\r\n`).join('')}\r\n`;
  return { pieces: [Buffer.concat([Buffer.from(head, 'latin1'), content])], ...more };
}

function post(body: Buffer | string, path = '/predict', headers: readonly string[] = [JSON_TYPE]) {
  return http(`POST ${path}`, headers, body);
}

function json(value: unknown, path?: string, rows = 0) {
  return { ...post(JSON.stringify(value), path), rows };
}

function value(random: Random): string {
  return VALUE_MARK + random.hex(12);
}

function name(random: Random, length = 12): string {
  return NAME_MARK + random.hex(length);
}

/** Anything that JSON can say, with markers in its strings. */
function junk(random: Random, depth = 0): unknown {
  const simple = [null, true, false, 0, -1, 1e308, 5e-324, 2 ** 60, '', value(random), [], {}];
  if (depth > 2 || random.next() < 0.6) return random.pick(simple);
  const items = Array.from({ length: random.between(0, 4) }, () => junk(random, depth + 1));
  return random.next() < 0.5 ? items : Object.fromEntries(items.map((item) => [name(random), item]));
}

const nested = (levels: number, open = '[', close = ']'): string =>
  open.repeat(levels) + close.repeat(levels);

/** Kinds of which there are many; one request of them costs next to nothing. */
const LIGHT: Readonly<Record<string, Make>> = {
  'cut JSON': (random, good) => {
    const text = JSON.stringify({ features: { ...good, brand: value(random) } });
    return post(text.slice(0, random.between(1, text.length - 1)));
  },
  'JSON with bytes changed': (random, good) => {
    const bytes = Buffer.from(JSON.stringify({ features: { ...good, brand: value(random) } }));
    for (let i = random.between(1, 8); i > 0; i--)
      bytes[random.between(0, bytes.length - 1)] = random.between(0, 255);
    return post(bytes);
  },
  'random bytes': (random) => post(Buffer.from(random.hex(random.between(2, 400)), 'hex')),
  'something that is no JSON': (random) =>
    post(
      random.pick([
        `'${value(random)}'`,
        'undefined',
        `<x>${value(random)}</x>`,
        '{',
        '}',
        '"',
        '[1,]',
        '{"a":}',
        '\0',
        ' ',
        '01',
        '+1',
        '.5',
        '1e',
        `{${value(random)}:1}`,
        '/**/{}',
        '{}{}',
      ]),
    ),
  'junk instead of a row': (random) => json(random.pick([junk(random), { features: junk(random) }])),
  'a field of the wrong type': (random, good) =>
    json({
      features: {
        ...good,
        [random.pick(Object.keys(good))]: random.pick([
          null,
          [],
          {},
          true,
          value(random),
          [value(random)],
          { a: value(random) },
          -1.5,
        ]),
      },
    }),
  'fields missing': (random, good) =>
    json(Object.fromEntries(Object.entries(good).filter(() => random.next() < 0.5))),
  'unknown fields': (random, good) =>
    json({
      features: {
        ...good,
        ...Object.fromEntries(
          Array.from({ length: random.between(1, 30) }, () => [name(random), value(random)]),
        ),
      },
    }),
  'long field names': (random, good) =>
    json({ ...good, [name(random, random.between(64, 5_000))]: value(random), [name(random, 200)]: 1 }),
  'strange things beside features': (random, good) =>
    json({
      features: good,
      id: random.pick([1, null, value(random).repeat(50), {}]),
      key: junk(random),
      [name(random, 100)]: value(random),
    }),
  'NaN and Infinity': (random, good) =>
    post(
      JSON.stringify({ features: { ...good, unit_price: '@' } }).replace(
        '"@"',
        random.pick(['NaN', 'Infinity', '-Infinity', 'nan', '0x10', '1_000', '1e', '--1']),
      ),
    ),
  'numbers too large': (random, good) =>
    post(
      JSON.stringify({
        features: { ...good, [random.pick(['unit_price', 'store_id', 'timestamp'])]: '@' },
      }).replace(
        '"@"',
        random.pick([
          '1e400',
          '-1e400',
          '9'.repeat(random.between(20, 3_000)),
          '9223372036854775808',
          '1e39',
          '0.1',
          '1e-400',
          '-9007199254740993',
        ]),
      ),
    ),
  'prototype keys': (random, good) => {
    const text = JSON.stringify(good).slice(1);
    const key = random.pick([
      '__proto__',
      'constructor',
      'prototype',
      'toString',
      'hasOwnProperty',
      'then',
      'toJSON',
    ]);
    return post(
      random.pick([
        `{"${key}":{"isAdmin":"${value(random)}"},${text}`,
        `{"features":{"${key}":"${value(random)}",${text}}`,
        `{"${key}":${JSON.stringify({ features: good })}}`,
        `{"features":{"__proto__":{${text}}}`,
        `{"constructor":{"prototype":{"features":"${value(random)}"}}}`,
      ]),
    );
  },
  'the same key twice': (random, good) =>
    post(`{"store_id":"${value(random)}",${JSON.stringify({ ...good, brand: [value(random)] }).slice(1)}`),
  'lone surrogates': (random, good) =>
    post(
      JSON.stringify({ features: { ...good, brand: '@' } }).replace(
        '@',
        random.pick(['\\ud800', '\\udfff', '\\udc00\\ud800', 'a\\ud83d', '\\u0000']),
      ),
    ),
  'UTF-16': (random, good) =>
    post(Buffer.from(`${random.pick(['', '\ufeff'])}${JSON.stringify(good)}`, 'utf16le'), '/predict', [
      random.pick([JSON_TYPE, `${JSON_TYPE}; charset=utf-16le`]),
    ]),
  'Latin-1': (random, good) =>
    post(Buffer.from(JSON.stringify({ ...good, brand: 'Café' }), 'latin1'), '/predict', [
      random.pick([JSON_TYPE, `${JSON_TYPE}; charset=iso-8859-1`]),
    ]),
  'UTF-8 that is none': (random, good) => {
    const text = Buffer.from(JSON.stringify({ ...good, brand: '@@@' }));
    random
      .pick([
        [0xc0, 0xaf, 0x41],
        [0xed, 0xa0, 0x80],
        [0xff, 0xfe, 0xfd],
        [0xf4, 0x90, 0x80],
      ])
      .forEach((byte, i) => {
        text[text.indexOf('@')] = i < 3 ? byte : 0x41;
      });
    return post(text);
  },
  'a byte order mark': (random, good) =>
    post(`${'\ufeff'.repeat(random.between(1, 3))}${JSON.stringify(good)}`),
  gzip: (random, good) =>
    post(gzipSync(JSON.stringify({ features: good })), '/predict', [
      JSON_TYPE,
      ...random.pick([
        [],
        ['content-encoding: gzip'],
        ['content-encoding: br'],
        [`content-encoding: ${value(random)}`],
      ]),
    ]),
  'a wrong content type': (random, good) =>
    post(JSON.stringify(good), random.pick(['/predict', '/predict/batch', '/feedback']), [
      `content-type: ${random.pick(['text/plain', 'application/xml', 'multipart/form-data', 'application/x-www-form-urlencoded', 'application/json; charset=latin1', 'application/json;', 'application/jsonx', 'json', '', ';', value(random), `application/${value(random)}`, 'application/json, text/plain', 'a'.repeat(3_000)])}`,
    ]),
  'no content type': (_random, good) => post(JSON.stringify(good), '/predict', []),
  'a body too short': (random, good) => {
    const body = JSON.stringify({ ...good, brand: value(random) });
    return {
      pieces: [
        `POST /predict HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n${JSON_TYPE}\r\ncontent-length: ${body.length - random.between(1, 50)}\r\n\r\n${body}`,
      ],
    };
  },
  'a wrong content-length': (random) => {
    const length = random.pick([
      '-1',
      '1e3',
      'abc',
      '0x10',
      '1, 2',
      '99999999999999999999999',
      '18446744073709551616',
      ' ',
      '+5',
      '5\r\ncontent-length: 6',
      '5\r\ntransfer-encoding: chunked',
    ]);
    return {
      pieces: [
        `POST /predict HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n${JSON_TYPE}\r\ncontent-length: ${length}\r\n\r\n{"a":"${value(random)}"}`,
      ],
    };
  },
  'chunks that are none': (random) => {
    const chunk = random.pick([
      'zz\r\nabc\r\n',
      `ffffffffffffffffff\r\n${value(random)}\r\n`,
      '-5\r\nabc\r\n',
      '5\r\nabc\r\n0\r\n\r\n',
      '5;ext="\r\nabcde\r\n0\r\n\r\n',
      '\r\n\r\n',
      '1\r\n{\r\n0\r\n\r\n',
      `3\r\n{}}${value(random)}`,
    ]);
    return {
      pieces: [
        `POST ${random.pick(['/predict', '/feedback', '/nowhere'])} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n${JSON_TYPE}\r\ntransfer-encoding: chunked\r\n\r\n${chunk}`,
      ],
    };
  },
  'a strange transfer-encoding': (random) => ({
    pieces: [
      `POST /predict HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n${JSON_TYPE}\r\ntransfer-encoding: ${random.pick(['gzip', 'chunked, gzip', 'identity', 'xchunked', value(random), 'chunked, chunked'])}\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
    ],
  }),
  'huge headers': (random) =>
    http(
      'GET /health',
      random.pick([
        [`x-big: ${value(random).repeat(random.between(1_000, 3_000))}`],
        Array.from({ length: random.between(500, 3_000) }, (_, i) => `x-${i}: ${value(random)}`),
        [`${'n'.repeat(20_000)}: 1`],
        [`cookie: ${'a=b; '.repeat(8_000)}`],
      ]),
    ),
  'headers that are none': (random) => {
    const line = random.pick([
      `no colon ${value(random)}`,
      `: ${value(random)}`,
      `a b: c`,
      `x: \0${value(random)}`,
      `x: \x01`,
      ` folded: ${value(random)}`,
      `x: a\rb`,
      `x\x80: y`,
      'host: b',
      'connection: upgrade\r\nupgrade: websocket',
      `traceparent: ${value(random)}`,
      `expect: ${value(random)}`,
      'expect: 100-continue',
      'authorization: Bearer',
      `x-correlation-id: ${value(random).repeat(40)}`,
      `accept: ${value(random)}/*;q=x`,
    ]);
    return http('POST /predict', [line, JSON_TYPE], '{"a":1}');
  },
  'no host': () => ({ pieces: ['GET /health HTTP/1.1\r\nconnection: close\r\n\r\n'] }),
  'a bad method': (random) =>
    http(
      `${random.pick(['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND', 'LOCK', 'SEARCH', 'PURGE', 'QUERY', 'GET', 'BREW', 'get', 'P0ST', 'G\u00c9T', 'CONNECT'])} ${random.pick(['/predict', '/feedback', '/health', '/models/default/predict', '*', '/'])}`,
      [],
      '',
      { mayBeCut: true },
    ),
  HEAD: (random) =>
    http(`HEAD ${random.pick(['/predict', '/health', '/nowhere', '/metrics', '/docs', '/%zz'])}`, [], '', {
      isHead: true,
    }),
  'a bad path': (random) =>
    http(
      `${random.pick(['GET', 'POST'])} ${random.pick([
        '/%',
        '/%zz',
        '/%00',
        '/%c0%af',
        '/%ff%fe',
        '//',
        '/..',
        '/../../etc/passwd',
        '/%2e%2e/%2e%2e/etc/passwd',
        '/docs/../../package.json',
        '/docs/%2e%2e%2fbin.js',
        '/predict?',
        `/predict?${'a='.repeat(2_000)}`,
        '/predict/',
        '/predict/v',
        '/predict/v0',
        '/predict/v99999999999',
        '/predict/v-1',
        '/predict/v1/batch/x',
        `/${'a'.repeat(9_000)}`,
        `/models/${'b'.repeat(300)}/predict`,
        '/models//predict',
        '/models/%2f/predict',
        '/models/__proto__/predict',
        '/models/constructor',
        '/models/toString/predict',
        `/models/default/versions/${random.hex(20)}/predict`,
        '/models/default/versions/-1/predict',
        '/models/default/versions/1e9/predict',
        '/models/default/versions/%00/predict',
        '/models/default/aliases/x%0a/predict',
        'http://evil.example/predict',
        'predict',
        '?',
        '#',
        '/predict#x',
        '/predict;x=1',
        '/\u00e9',
        '/metrics?format=json&format=xml',
        '/metrics?format[]=json',
        '/PREDICT',
      ])}`,
      [JSON_TYPE],
      random.next() < 0.5 ? '{}' : '',
      {},
    ),
  'a value in the path': (random) => http(`GET /${value(random)}/${encodeURIComponent(value(random))}`, []),
  'no HTTP at all': (random) => ({
    pieces: [
      random.pick([
        '\r\n\r\n\r\n',
        'hello\r\n\r\n',
        `${value(random)}\r\n\r\n`,
        'GET /\r\n\r\n',
        'GET / HTTP/9.9\r\n\r\n',
        'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
        Buffer.from('16030100a5010000a10303', 'hex'),
        Buffer.from([0, 1, 2, 3, 255]),
        'GET  /  HTTP/1.1\r\n\r\n',
        'GET / HTTP/1.1 x\r\n\r\n',
        '{"a":1}',
      ]),
    ],
    mayBeCut: true,
  }),
  'a good request with garbage behind it': (random, good) => {
    const body = JSON.stringify(good);
    return {
      pieces: [
        `POST /predict HTTP/1.1\r\nhost: localhost\r\n${JSON_TYPE}\r\ncontent-length: ${body.length}\r\n\r\n${body}${value(random)}\r\n\r\n`,
      ],
    };
  },
  'bad batch envelopes': (random, good) =>
    json(
      random.pick([
        [],
        {},
        null,
        1,
        value(random),
        [good],
        { instances: null },
        { instances: {} },
        { instances: value(random) },
        { instances: { length: 5 } },
        { rows: [good] },
        { features: good },
        { instances: 1, features: [good] },
        { inputs: [value(random)] },
        { instances: [], [name(random)]: value(random) },
      ]),
      random.pick(['/predict/batch', '/models/default/predict/batch', '/predict/v1/batch']),
    ),
  'batches of bad rows': (random, good) =>
    json(
      {
        instances: Array.from({ length: random.between(1, 60) }, () =>
          random.pick([
            junk(random),
            { ...good, brand: [value(random)] },
            { ...good, [name(random, 80)]: value(random) },
            good,
          ]),
        ),
      },
      '/predict/batch',
    ),
  'bad feedback': (random) =>
    json(
      random.pick([
        {},
        [],
        null,
        1,
        value(random),
        { prediction_id: 1, actual: 1 },
        { prediction_id: value(random) },
        { actual: value(random) },
        { prediction_id: '', actual: 1 },
        { prediction_id: value(random).repeat(20), actual: 1 },
        { id: 'a', actual: 1, timestamp: value(random) },
        { id: 'a', actual: 1, [name(random, 300)]: value(random) },
        {
          id: 'a',
          actual: 1,
          ...Object.fromEntries(Array.from({ length: 50 }, () => [name(random), value(random)])),
        },
        [{ id: 'a', actual: 1 }, value(random), null, { [name(random, 90)]: value(random) }, []],
        Array.from({ length: 100 }, () => junk(random)),
        { id: 'a', actual: { a: value(random) }, timestamp: -1 },
        [[[[]]]],
        { id: { id: value(random) }, actual: [] },
      ]),
      '/feedback',
    ),
  'nesting under 16 KiB': (random, good) => {
    const deep = nested(
      random.between(65, 7_000),
      ...random.pick([
        ['[', ']'],
        ['[{"a":', '}]'],
      ] as const),
    );
    const short = deep.length > 15_000 ? nested(7_000) : deep;
    return random.pick([
      post(short),
      post(`{"features":${short}}`),
      post(`{"features":{"brand":${short},${JSON.stringify(good).slice(1)}}`),
      post(`{"instances":[${short}]}`, '/predict/batch'),
      post(`{"id":"a","actual":${short}}`, '/feedback'),
      post(`[{"id":"a","actual":${short}}]`, '/feedback'),
    ]);
  },
};

/** Kinds that cost memory or time; there are a few of each. */
const HEAVY: Readonly<Record<string, Make>> = {
  'nesting of 100,000 levels': (random) =>
    post(
      random.pick([
        nested(100_000),
        nested(100_000, '{"a":', '}').replace('}', '1}'),
        '['.repeat(100_000),
        `{"features":${nested(100_000)}}`,
        `{"x":"${'['.repeat(100_000)}"}`,
      ]),
      random.pick(['/predict', '/predict/batch', '/feedback']),
    ),
  'a body of 50 MB': (random) => {
    const path = random.pick(['/predict', '/predict/batch', '/feedback', '/nowhere']);
    const piece = Buffer.alloc(1 << 20, `"${value(random)}",`);
    return {
      pieces: [
        `POST ${path} HTTP/1.1\r\nhost: localhost\r\n${JSON_TYPE}\r\ncontent-length: ${50 << 20}\r\n\r\n`,
        ...Array<Buffer>(50).fill(piece),
      ],
    };
  },
  'a body of 50 MB in chunks': (random) => {
    const piece = Buffer.concat([
      Buffer.from('100000\r\n'),
      Buffer.alloc(1 << 20, `"${value(random)}",`),
      Buffer.from('\r\n'),
    ]);
    return {
      pieces: [
        `POST /predict HTTP/1.1\r\nhost: localhost\r\n${JSON_TYPE}\r\ntransfer-encoding: chunked\r\n\r\n`,
        ...Array<Buffer>(50).fill(piece),
        '0\r\n\r\n',
      ],
    };
  },
  'a body of 1,000,000 keys': (random, good) => {
    const keys = Array.from({ length: 1_000_000 }, (_, i) => `"${i.toString(36)}":1`).join(',');
    return post(
      random
        .pick([
          `{"features":{${keys}}}`,
          `{${keys},${JSON.stringify(good).slice(1)}`,
          `{"instances":[{${keys}}]}`,
        ])
        .slice(0, 10_485_760),
      random.pick(['/predict', '/predict/batch', '/feedback']),
    );
  },
  'a batch of too many rows': (random) =>
    json({ instances: Array(random.pick([10_001, 200_000])).fill(0) }, '/predict/batch'),
  'a batch of 10,000 bad rows': (random, good) =>
    json(
      {
        instances: Array(10_000).fill(
          random.pick([
            0,
            {},
            [[]],
            { [name(random)]: 1 },
            Object.fromEntries(Object.keys(good).map((key) => [key, null])),
          ]),
        ),
      },
      '/predict/batch',
      10_000,
    ),
  'a list of 10,000 bad labels': (random) =>
    json(Array(10_000).fill(random.pick([0, {}, { [name(random, 100)]: 1 }])), '/feedback', 10_000),
  'a string of 9 MB': (random, good) =>
    json(
      random.pick([
        { ...good, brand: value(random).repeat(450_000) },
        { ...good, [name(random).repeat(500_000)]: 1 },
      ]),
      random.pick(['/predict', '/feedback']),
    ),
  'a list of 5,000,000 numbers': (random) =>
    post(`[${'0,'.repeat(4_999_999)}0]`, random.pick(['/predict', '/predict/batch', '/feedback'])),
  'a number of 9,000,000 digits': (random, good) =>
    post(
      JSON.stringify({ ...good, unit_price: '@' }).replace('"@"', '9'.repeat(9_000_000)),
      random.pick(['/predict', '/feedback']),
    ),
};

/** Senders so slow that the time for a request passes; many of them rest beside each other. */
const SLOW: Readonly<Record<string, Make>> = {
  'a body byte by byte': (_random, good) => {
    const body = JSON.stringify(good);
    return {
      pieces: [
        `POST /predict HTTP/1.1\r\nhost: localhost\r\n${JSON_TYPE}\r\ncontent-length: ${body.length}\r\n\r\n`,
        ...body.split(''),
      ],
      pauseMs: 40,
    };
  },
  'headers byte by byte': (random) => ({
    pieces: `GET /health HTTP/1.1\r\nhost: localhost\r\nx-slow: ${value(random).repeat(20)}\r\n\r\n`,
    pauseMs: 40,
  }),
  'a body that stops': (random) => ({
    pieces: [
      `POST ${random.pick(['/predict', '/feedback', '/predict/batch'])} HTTP/1.1\r\nhost: localhost\r\n${JSON_TYPE}\r\ncontent-length: 1000\r\n\r\n{"a":"${value(random)}"`,
    ],
  }),
  'chunks that stop': () => ({
    pieces: [
      `POST /predict HTTP/1.1\r\nhost: localhost\r\n${JSON_TYPE}\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{"a":`,
    ],
  }),
};

export const LIGHT_KINDS = Object.keys(LIGHT);
export const HEAVY_KINDS = Object.keys(HEAVY);
export const SLOW_KINDS = Object.keys(SLOW);

export function badRequest(kind: string, random: Random, good: Record<string, unknown>): BadRequest {
  const make = LIGHT[kind] ?? HEAVY[kind] ?? SLOW[kind];
  if (make === undefined) throw new Error(`no kind ${kind}`);
  return { kind, ...make(random, good) };
}
