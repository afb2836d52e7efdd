import { isJsonObject, type JsonObject } from '../../../../kernel/json.ts';

/** One message of the worker protocol: a header of JSON and a body of raw columns (docs/reference/python-worker.md). */
export interface Frame {
  readonly header: JsonObject;
  readonly body: Buffer;
}

export interface FrameBounds {
  readonly headerBytes: number;
  readonly bodyBytes: number;
}

export const FRAME_BOUNDS: FrameBounds = { headerBytes: 64 * 1024 * 1024, bodyBytes: 512 * 1024 * 1024 };

/** What came over the connection is not what the protocol says. */
export class ProtocolViolation extends Error {
  override readonly name = 'ProtocolViolation';
}

const PREFIX_BYTES = 8;
/** Bodies hold numbers of up to eight bytes, and begin where such a number may. */
const ALIGNMENT = 8;
const NOTHING = Buffer.alloc(0);

/** Whole frames of the pieces in which they come. */
export class FrameReader {
  readonly #bounds: FrameBounds;
  #pieces: Buffer[] = [];
  #held = 0;

  constructor(bounds: FrameBounds = FRAME_BOUNDS) {
    this.#bounds = bounds;
  }

  /** The frames that this piece completes. Throws ProtocolViolation; nothing may be read afterwards. */
  push(piece: Buffer): readonly Frame[] {
    this.#pieces.push(piece);
    this.#held += piece.length;
    const frames: Frame[] = [];
    for (let frame = this.#next(); frame !== null; frame = this.#next()) frames.push(frame);
    return frames;
  }

  #next(): Frame | null {
    if (this.#held < PREFIX_BYTES) return null;
    const [first] = this.#pieces;
    const prefix = (first as Buffer).length >= PREFIX_BYTES ? (first as Buffer) : this.#joined();
    const headerBytes = prefix.readUInt32LE(0);
    const bodyBytes = prefix.readUInt32LE(4);
    if (headerBytes > this.#bounds.headerBytes || bodyBytes > this.#bounds.bodyBytes) {
      throw new ProtocolViolation(`a frame of ${headerBytes} + ${bodyBytes} bytes is too large`);
    }
    const total = PREFIX_BYTES + headerBytes + bodyBytes;
    if (this.#held < total) return null;
    const all = this.#joined();
    const headerEnd = PREFIX_BYTES + headerBytes;
    const frame = {
      header: headerOf(all.toString('utf8', PREFIX_BYTES, headerEnd)),
      body: all.subarray(headerEnd, total),
    };
    this.#held -= total;
    this.#pieces = this.#held === 0 ? [] : [all.subarray(total)];
    return frame;
  }

  #joined(): Buffer {
    const [first] = this.#pieces;
    if (this.#pieces.length === 1) return first as Buffer;
    const all = Buffer.concat(this.#pieces, this.#held);
    this.#pieces = [all];
    return all;
  }
}

/**
 * The bytes of one frame, for one write; null when it is past the bounds. `header` is JSON text, which is filled up with
 * blanks so that the body begins at a multiple of eight.
 */
export function frameBytes(
  header: string,
  body: Uint8Array = NOTHING,
  bounds: FrameBounds = FRAME_BOUNDS,
): Buffer | null {
  const written = Buffer.byteLength(header);
  const headerBytes = Math.ceil(written / ALIGNMENT) * ALIGNMENT;
  if (headerBytes > bounds.headerBytes || body.byteLength > bounds.bodyBytes) return null;
  const bytes = Buffer.allocUnsafe(PREFIX_BYTES + headerBytes + body.byteLength);
  bytes.writeUInt32LE(headerBytes, 0);
  bytes.writeUInt32LE(body.byteLength, 4);
  bytes.write(header, PREFIX_BYTES, 'utf8');
  bytes.fill(' ', PREFIX_BYTES + written, PREFIX_BYTES + headerBytes);
  bytes.set(body, PREFIX_BYTES + headerBytes);
  return bytes;
}

function headerOf(text: string): JsonObject {
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch {
    throw new ProtocolViolation('a header is not JSON');
  }
  if (!isJsonObject(header)) throw new ProtocolViolation('a header is not an object');
  return header;
}
