import type { Parameters } from '../../contracts/oip/tensor.ts';
import { WIRE, type WireReader } from './wire-reader.ts';
import type { WireWriter } from './wire-writer.ts';

type ParameterValue = Parameters[string];

export const NO_PARAMETERS: Parameters = Object.freeze(Object.create(null) as Record<string, never>);

/** One entry of a map of InferParameter, added to those that came before. */
export function readParameter(entry: WireReader, before: Parameters): Parameters {
  const parameters = before === NO_PARAMETERS ? bareParameters() : (before as Record<string, ParameterValue>);
  let key = '';
  let value: ParameterValue | undefined;
  while (entry.next()) {
    if (entry.field === 1) {
      entry.expect(WIRE.bytes);
      key = entry.string();
    } else if (entry.field === 2) {
      entry.expect(WIRE.bytes);
      value = readChoice(entry.message()) ?? value;
    } else entry.skip();
  }
  if (value !== undefined) parameters[key] = value;
  return parameters;
}

/** A key named `__proto__` is a key like any other; unlike an `Object.create(null)` it is no hash table from its start. */
function bareParameters(): Record<string, ParameterValue> {
  return new (Bare as unknown as new () => Record<string, ParameterValue>)();
}

function Bare(): void {}
Bare.prototype = Object.create(null);

const CHOICE_WIRE = [undefined, WIRE.varint, WIRE.varint, WIRE.bytes, WIRE.fixed64, WIRE.varint];

function readChoice(choice: WireReader): ParameterValue | undefined {
  let value: ParameterValue | undefined;
  while (choice.next()) {
    const wire = CHOICE_WIRE[choice.field];
    if (wire === undefined) {
      choice.skip();
      continue;
    }
    choice.expect(wire);
    if (choice.field === 1) value = choice.bool();
    else if (choice.field === 2) value = wholeOf(choice.int64());
    else if (choice.field === 3) value = choice.string();
    else if (choice.field === 4) value = choice.double();
    else value = wholeOf(choice.uint64());
  }
  return value;
}

/** An integer past 2^53 as its digits: a parameter is no bigint, and another number would be wrong. */
function wholeOf(value: number | bigint): number | string {
  return typeof value === 'number' ? value : String(value);
}

export function writeParameters(writer: WireWriter, field: number, parameters: Parameters): void {
  for (const key of Object.keys(parameters)) {
    const entry = writer.open(field);
    writer.tag(1, WIRE.bytes);
    writer.string(key);
    const choice = writer.open(2);
    writeChoice(writer, parameters[key] as ParameterValue);
    writer.close(choice);
    writer.close(entry);
  }
}

function writeChoice(writer: WireWriter, value: ParameterValue): void {
  if (typeof value === 'boolean') {
    writer.tag(1, WIRE.varint);
    writer.uint32(Number(value));
  } else if (typeof value === 'string') {
    writer.tag(3, WIRE.bytes);
    writer.string(value);
  } else if (Number.isSafeInteger(value)) {
    writer.tag(2, WIRE.varint);
    writer.int64(value);
  } else {
    writer.tag(4, WIRE.fixed64);
    writer.double(value);
  }
}
