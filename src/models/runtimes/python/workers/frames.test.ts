import { describe, expect, it } from 'vitest';
import { FrameReader, frameBytes, ProtocolViolation } from './frames.ts';

const BOUNDS = { headerBytes: 64, bodyBytes: 64 };

function written(header: object, body = ''): Buffer {
  const bytes = frameBytes(JSON.stringify(header), Buffer.from(body));
  if (bytes === null) throw new Error('past the bounds');
  return bytes;
}

function read(pieces: readonly Buffer[], bounds = BOUNDS): unknown {
  const reader = new FrameReader(bounds);
  return pieces
    .flatMap((piece) => reader.push(piece))
    .map(({ header, body }) => [header, body.toString('latin1')]);
}

function raw(headerBytes: number, bodyBytes: number, rest = ''): Buffer {
  const prefix = Buffer.alloc(8);
  prefix.writeUInt32LE(headerBytes, 0);
  prefix.writeUInt32LE(bodyBytes, 4);
  return Buffer.concat([prefix, Buffer.from(rest)]);
}

describe('frames', () => {
  const two = Buffer.concat([written({ a: 'é' }, 'body'), written({ b: [1] })]);
  const expected = [
    [{ a: 'é' }, 'body'],
    [{ b: [1] }, ''],
  ];

  it('come out as they went in, several in a piece', () => {
    expect(read([two])).toEqual(expected);
  });

  it('come out whole, wherever they are cut', () => {
    for (let cut = 0; cut <= two.length; cut++)
      expect(read([two.subarray(0, cut), two.subarray(cut)]), `cut at ${cut}`).toEqual(expected);
    expect(read([...two].map((byte) => Buffer.from([byte])))).toEqual(expected);
  });

  it('that are torn give nothing', () => {
    expect(read([two.subarray(0, two.length - 1)])).toEqual(expected.slice(0, 1));
  });

  it('have bodies that begin at a multiple of eight', () => {
    for (const header of ['{}', '{"a":1}', '{"é":12345678}']) {
      const bytes = frameBytes(header, Buffer.from('x'.repeat(9))) as Buffer;
      expect((bytes.length - 9) % 8).toBe(0);
    }
  });

  it.each([
    ['a header past the bound', raw(65, 0)],
    ['a body past the bound', raw(2, 65)],
    ['the largest lengths there are', raw(0xffffffff, 0xffffffff)],
    ['a header that is not JSON', raw(3, 0, '{a}')],
    ['an empty header', raw(0, 0)],
    ['a header that is an array', raw(2, 0, '[]')],
    ['a header that is null', raw(4, 0, 'null')],
  ])('with %s are refused', (_what, bytes) => {
    expect(() => read([bytes])).toThrow(ProtocolViolation);
  });

  it('are refused by their lengths, before the rest comes', () => {
    expect(() => read([raw(2, 0xffffffff)])).toThrow('a frame of 2 + 4294967295 bytes is too large');
  });

  it('past the bounds are not written', () => {
    expect(frameBytes('{}', Buffer.alloc(65), BOUNDS)).toBeNull();
    expect(frameBytes(JSON.stringify('x'.repeat(64)), Buffer.alloc(0), BOUNDS)).toBeNull();
    expect(frameBytes('{}', Buffer.alloc(64), BOUNDS)).toHaveLength(8 + 8 + 64);
  });

  it('of any bytes are read or refused, and nothing else happens', () => {
    let seed = 7;
    const next = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      return seed % below;
    };
    for (let round = 0; round < 2_000; round++) {
      const bytes = Buffer.from(two);
      for (let change = 0; change < 3; change++) bytes[next(bytes.length)] = next(256);
      try {
        read([bytes.subarray(0, next(bytes.length + 1))]);
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolViolation);
      }
    }
  });
});
