import type { InputTensor } from '../../contracts/oip/tensor.ts';
import { readTensorData } from '../../contracts/oip/tensor-data.ts';
import type { InferRequest } from '../../dialects/oip/protocol.ts';
import type { JsonValue } from '../../kernel/json.ts';

/** A place in the text where a value stands that changes: of which input, or of the request's id. */
type Place = number | 'id';

interface Hole {
  readonly place: Place;
  readonly start: number;
  readonly end: number;
}

const MAX_LENGTH = 16 * 1024;
/** A value of JSON that is neither list nor object, and a text without escapes: what RFC 8259 calls it, sections 3, 6, 7. */
const SCALAR = String.raw`(?:-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|"[^"\\\u0000-\u001f]*"|true|false|null)`;
const DATA = new RegExp(String.raw`"data"\s*:\s*\[\s*(${SCALAR})\s*\]`, 'g');
const ID = new RegExp(String.raw`"id"\s*:\s*(${SCALAR})`, 'g');
const QUOTE = 0x22;

/**
 * The text of a request for one row that was read in full, and what came of it. A client's next request usually differs
 * in its values only: where the text between the values is the same, and in each value's place stands one value, it is
 * as valid as the first, and a quarter of the work of reading it is enough.
 */
export class FamiliarBody {
  readonly #request: InferRequest;
  readonly #pieces: readonly string[];
  readonly #places: readonly Place[];
  readonly #scalar = new RegExp(SCALAR, 'y');

  private constructor(request: InferRequest, text: string, holes: readonly Hole[]) {
    this.#request = request;
    this.#places = holes.map(({ place }) => place);
    const ends = [0, ...holes.map(({ end }) => end)];
    this.#pieces = ends.map((end, i) => text.slice(end, holes[i]?.start));
  }

  /** Null where it cannot be told at a glance which value of the text belongs to which input. */
  static of(text: string, request: InferRequest): FamiliarBody | null {
    const { inputs, id } = request;
    if (text.length > MAX_LENGTH || inputs.some(({ data }) => data.length !== 1)) return null;
    const holes: Hole[] = holesOf(text, DATA).map((hole, i) => ({ ...hole, place: i }));
    const ids = holesOf(text, ID);
    if (holes.length !== inputs.length || ids.length !== (id === undefined ? 0 : 1)) return null;
    for (const hole of ids) holes.push({ ...hole, place: 'id' });
    const familiar = new FamiliarBody(
      request,
      text,
      holes.sort((a, b) => a.start - b.start),
    );
    return isSame(familiar.read(text), request) ? familiar : null;
  }

  /** The request that the text is; null where it is not familiar, or one of its values is not what its input takes. */
  read(text: string): InferRequest | null {
    const pieces = this.#pieces;
    const scalar = this.#scalar;
    const inputs = this.#request.inputs.slice();
    let { id } = this.#request;
    let at = 0;
    for (let i = 0; i < pieces.length; i++) {
      const piece = pieces[i] as string;
      if (!text.startsWith(piece, at)) return null;
      at += piece.length;
      const place = this.#places[i];
      if (place === undefined) break;
      scalar.lastIndex = at;
      if (!scalar.test(text)) return null;
      const value = valueOfText(text, at, scalar.lastIndex);
      at = scalar.lastIndex;
      if (place === 'id') {
        if (typeof value !== 'string') return null;
        id = value;
        continue;
      }
      const { name, datatype, shape } = inputs[place] as InputTensor;
      const data = readTensorData(datatype, shape, [value]);
      if (typeof data === 'string') return null;
      inputs[place] = { name, datatype, shape, data };
    }
    if (at !== text.length) return null;
    const { modelName, modelVersion, parameters, outputs } = this.#request;
    return { modelName, modelVersion, id, parameters, inputs, outputs };
  }
}

function holesOf(text: string, pattern: RegExp): Omit<Hole, 'place'>[] {
  return [...text.matchAll(pattern)].map((match) => {
    const value = match[1] as string;
    const start = match.index + match[0].lastIndexOf(value);
    return { start, end: start + value.length };
  });
}

function valueOfText(text: string, start: number, end: number): JsonValue {
  if (text.charCodeAt(start) === QUOTE) return text.slice(start + 1, end - 1);
  const word = text.slice(start, end);
  if (word === 'null') return null;
  if (word === 'true' || word === 'false') return word === 'true';
  return Number(word);
}

function isSame(read: InferRequest | null, request: InferRequest): boolean {
  return (
    read !== null &&
    read.id === request.id &&
    read.inputs.every(({ data }, i) => Object.is(data[0], request.inputs[i]?.data[0]))
  );
}
