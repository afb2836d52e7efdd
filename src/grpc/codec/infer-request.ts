import { decodeRaw } from '../../contracts/oip/raw-tensor.ts';
import type { Datatype, InputTensor, Parameters } from '../../contracts/oip/tensor.ts';
import { DATATYPES } from '../../contracts/oip/tensor.ts';
import type { InferRequest, RequestedOutput } from '../../dialects/oip/protocol.ts';
import { AppError, type FieldProblem, summaryOf } from '../../kernel/errors.ts';
import { CONTENTS_FIELD, CONTENTS_NAMES, datatypeOf, NARROW } from './datatypes.ts';
import { NO_PARAMETERS, readParameter } from './parameters.ts';
import { type Contents, readContents } from './tensor-contents.ts';
import { WIRE, WireReader } from './wire-reader.ts';

export interface DecodedRequest {
  readonly request: InferRequest;
  /** Whether the tensors came in `raw_input_contents`, as the answer's then do. */
  readonly isRaw: boolean;
}

/** An input as it stands in the message: its values may come at the end of all. */
interface Draft {
  name: string;
  datatype: string;
  readonly shape: number[];
  parameters: Parameters;
  contents: Contents | null;
}

const MAX_PROBLEMS = 100;
/** An entry of two bytes costs a hundred in memory. */
const MAX_ENTRIES = 10_000;
const NAME_LENGTH = 64;

/**
 * A ModelInferRequest. Fails with REQUEST_MALFORMED when the bytes are no such message, and with REQUEST_INVALID that
 * names every tensor whose contents are not what it says they are.
 */
export function decodeInferRequest(bytes: Buffer): DecodedRequest {
  const reader = new WireReader(bytes);
  let modelName = '';
  let modelVersion = '';
  let id = '';
  let parameters = NO_PARAMETERS;
  const drafts: Draft[] = [];
  const outputs: RequestedOutput[] = [];
  const raw: Buffer[] = [];
  while (reader.next()) {
    const { field } = reader;
    if (field === 0 || field > 7) {
      reader.skip();
      continue;
    }
    reader.expect(WIRE.bytes);
    if (field === 5) drafts.push(readInput(reader.message()));
    else if (field === 7) raw.push(reader.view());
    else if (field === 1) modelName = reader.string();
    else if (field === 2) modelVersion = reader.string();
    else if (field === 3) id = reader.string();
    else if (field === 4) parameters = readParameter(reader.message(), parameters);
    else outputs.push(readOutput(reader.message()));
    if (drafts.length + outputs.length + raw.length > MAX_ENTRIES)
      throw new AppError('REQUEST_INVALID', `More than ${MAX_ENTRIES} tensors in one request`);
  }
  refuseSharedMemory(drafts, outputs);
  const inputs = raw.length > 0 ? withRaw(drafts, raw) : withContents(drafts);
  return {
    request: {
      modelName,
      modelVersion,
      id: id === '' ? undefined : id,
      parameters,
      inputs,
      outputs: outputs.length === 0 ? null : outputs,
    },
    isRaw: raw.length > 0,
  };
}

/** The id in a request that may be no good otherwise. */
export function idIn(bytes: Buffer): string | undefined {
  try {
    const reader = new WireReader(bytes);
    while (reader.next()) {
      if (reader.field === 3 && reader.wire === WIRE.bytes) return reader.string();
      reader.skip();
    }
  } catch {
    // Nothing more can be read of it.
  }
  return undefined;
}

function readInput(reader: WireReader): Draft {
  const draft: Draft = { name: '', datatype: '', shape: [], parameters: NO_PARAMETERS, contents: null };
  while (reader.next()) {
    const { field } = reader;
    if (field === 3) readShape(reader, draft.shape);
    else if (field > 5) reader.skip();
    else {
      reader.expect(WIRE.bytes);
      if (field === 1) draft.name = reader.string();
      else if (field === 2) draft.datatype = reader.string();
      else if (field === 4) draft.parameters = readParameter(reader.message(), draft.parameters);
      else draft.contents = readContents(reader.message(), draft.contents);
    }
  }
  return draft;
}

/** No length past 2^53 can be right: as the nearest number it stays as wrong as it was. */
function readShape(reader: WireReader, shape: number[]): void {
  if (reader.wire === WIRE.bytes) {
    const packed = reader.message();
    while (packed.at < packed.end) shape.push(Number(packed.int64()));
  } else {
    reader.expect(WIRE.varint);
    shape.push(Number(reader.int64()));
  }
}

function readOutput(reader: WireReader): RequestedOutput {
  let name = '';
  let parameters = NO_PARAMETERS;
  while (reader.next()) {
    if (reader.field > 2) {
      reader.skip();
      continue;
    }
    reader.expect(WIRE.bytes);
    if (reader.field === 1) name = reader.string();
    else parameters = readParameter(reader.message(), parameters);
  }
  return { name, parameters };
}

/** Such a tensor has no contents, and would be called empty. */
function refuseSharedMemory(drafts: readonly Draft[], outputs: readonly RequestedOutput[]): void {
  const isShared = ({ parameters }: Pick<Draft, 'parameters'>) =>
    parameters['shared_memory_region'] !== undefined;
  refuse([
    ...drafts.filter(isShared).map((draft) => ({
      path: pathOf(draft),
      message: 'has its data in shared memory, which is not served here',
    })),
    ...outputs.filter(isShared).map((output) => ({
      path: pathOf(output),
      message: 'is asked for in shared memory, which is not served here',
    })),
  ]);
}

function withContents(drafts: readonly Draft[]): readonly InputTensor[] {
  const problems: FieldProblem[] = [];
  const inputs = drafts.map((draft) => {
    const datatype = knownDatatype(draft, problems);
    const values = draft.contents?.values ?? [];
    if (datatype !== null) {
      const fault = faultOfContents(datatype, draft.contents);
      if (fault !== null) problems.push({ path: pathOf(draft), message: fault });
    }
    return tensorOf(draft, datatype, values);
  });
  refuse(problems);
  return inputs;
}

function withRaw(drafts: readonly Draft[], raw: readonly Buffer[]): readonly InputTensor[] {
  const problems: FieldProblem[] = [];
  if (raw.length !== drafts.length) {
    const message = `has ${raw.length} entries for ${drafts.length} inputs: one each, in their order`;
    problems.push({ path: 'raw_input_contents', message });
  }
  const inputs = drafts.map((draft, place) => {
    const datatype = knownDatatype(draft, problems);
    const path = pathOf(draft);
    if (draft.contents !== null && draft.contents.field !== 0) {
      const message = `has ${CONTENTS_NAMES[draft.contents.field]} beside raw_input_contents: send one of them`;
      problems.push({ path, message });
    }
    const bytes = raw[place];
    if (datatype === null || bytes === undefined) return tensorOf(draft, datatype, []);
    const values = decodeRaw(datatype, bytes);
    if (values === null) {
      const message = `has ${bytes.length} raw bytes, which are no whole number of ${datatype} elements`;
      problems.push({ path, message });
    }
    return tensorOf(draft, datatype, values ?? []);
  });
  refuse(problems);
  return inputs;
}

function faultOfContents(datatype: Datatype, contents: Contents | null): string | null {
  const field = CONTENTS_FIELD[datatype];
  if (field === null) return `has the datatype ${datatype}, which travels in raw_input_contents only`;
  if (contents === null || contents.field === 0) return null;
  const wrong = contents.field !== field ? contents.field : contents.other;
  if (wrong !== 0)
    return `has values in ${CONTENTS_NAMES[wrong]}; those of ${datatype} belong in ${CONTENTS_NAMES[field]}`;
  const range = NARROW[datatype];
  if (range === undefined) return null;
  const [least, most] = range;
  const fits = contents.values.every((value) => Number(value) >= least && Number(value) <= most);
  return fits ? null : `has a value that is no ${datatype}`;
}

function knownDatatype(draft: Draft, problems: FieldProblem[]): Datatype | null {
  const datatype = datatypeOf(draft.datatype);
  if (datatype !== undefined) return datatype;
  const got = draft.datatype === '' ? 'no datatype' : 'an unknown datatype';
  problems.push({ path: pathOf(draft), message: `has ${got}; there are ${DATATYPES.join(', ')}` });
  return null;
}

function tensorOf(
  { name, shape, parameters }: Draft,
  datatype: Datatype | null,
  data: InputTensor['data'],
): InputTensor {
  return { name, datatype: datatype ?? 'BYTES', shape, data, parameters };
}

function pathOf({ name }: Pick<Draft, 'name'>): string {
  return name.slice(0, NAME_LENGTH);
}

function refuse(problems: readonly FieldProblem[]): void {
  if (problems.length === 0) return;
  const summary = summaryOf(problems, 'An input without a name');
  throw new AppError('REQUEST_INVALID', summary, { problems: problems.slice(0, MAX_PROBLEMS) });
}
