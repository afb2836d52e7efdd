import type { Tensor } from '../../contracts/oip/tensor.ts';
import type { Label } from '../../models/signature.ts';

interface Scores {
  readonly name: string;
  /** Row by row. */
  readonly data: ArrayLike<number>;
  readonly rows: number;
  readonly classes: number;
  readonly isFloat: boolean;
  /** Of each place of a row, where they have names. */
  readonly labels: readonly Label[] | null;
}

/**
 * Triton's classification extension: instead of a row's values the greatest of them, as `value:index` or
 * `value:index:label`, floats with six decimals. A row of fewer values than `classes` gives all of its values.
 */
export function classify({ name, data, rows, classes, isFloat, labels }: Scores): Tensor {
  const width = data.length / rows;
  const count = Math.min(classes, width);
  const texts: string[] = [];
  for (let row = 0; row < rows; row++) {
    const scoreAt = (place: number): number => data[row * width + place] as number;
    const places = Array.from({ length: width }, (_, place) => place);
    places.sort((a, b) => scoreAt(b) - scoreAt(a));
    for (const place of places.slice(0, count)) {
      const score = scoreAt(place);
      const label = labels?.[place];
      texts.push(
        `${isFloat ? score.toFixed(6) : score}:${place}${label === undefined ? '' : `:${String(label)}`}`,
      );
    }
  }
  return { name, datatype: 'BYTES', shape: [rows, count], data: texts };
}
