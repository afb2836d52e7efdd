const TYPE = { i32: 5, i64: 6, binary: 8, list: 9, struct: 12 } as const;

/** Values of Thrift structs as Parquet has them. */
export type Thrift =
  | { readonly is: 'i32' | 'i64'; readonly value: number }
  | { readonly is: 'binary'; readonly value: string }
  | { readonly is: 'list'; readonly of: keyof typeof TYPE; readonly value: readonly Thrift[] }
  | ThriftStruct;

export interface ThriftStruct {
  readonly is: 'struct';
  /** By their ids, ascending; undefined for one that is left out. */
  readonly value: Readonly<Record<number, Thrift | undefined>>;
}

export const i32 = (value: number): Thrift => ({ is: 'i32', value });
export const i64 = (value: number): Thrift => ({ is: 'i64', value });
export const binary = (value: string): Thrift => ({ is: 'binary', value });
export const list = (of: keyof typeof TYPE, value: readonly Thrift[]): Thrift => ({ is: 'list', of, value });
export const struct = (value: ThriftStruct['value']): ThriftStruct => ({ is: 'struct', value });

/** The bytes of a struct in Thrift's compact protocol. */
export function encodeThrift(root: ThriftStruct): Buffer {
  const bytes: number[] = [];
  write(root, bytes);
  return Buffer.from(bytes);
}

function write(thrift: Thrift, bytes: number[]): void {
  if (thrift.is === 'i32' || thrift.is === 'i64') varint(zigzag(thrift.value), bytes);
  else if (thrift.is === 'binary') {
    const text = Buffer.from(thrift.value);
    varint(text.length, bytes);
    for (const byte of text) bytes.push(byte);
  } else if (thrift.is === 'list') {
    const { length } = thrift.value;
    bytes.push((Math.min(length, 15) << 4) | TYPE[thrift.of]);
    if (length >= 15) varint(length, bytes);
    for (const item of thrift.value) write(item, bytes);
  } else if (thrift.is === 'struct') {
    let before = 0;
    for (const [key, field] of Object.entries(thrift.value)) {
      if (field === undefined) continue;
      const id = Number(key);
      bytes.push(((id - before) << 4) | TYPE[field.is]);
      before = id;
      write(field, bytes);
    }
    bytes.push(0);
  }
}

/** Of whole numbers from 0; beyond 32 bits as well. */
function zigzag(value: number): number {
  return value * 2;
}

/** Seven bits a byte, the lowest first. */
export function varint(value: number, bytes: number[]): void {
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
}
