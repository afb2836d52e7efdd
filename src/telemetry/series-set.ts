import type { Labels } from '../kernel/meter.ts';

const MOST_VALUE_CHARACTERS = 128;
const OVERFLOW_VALUE = 'other';

export interface LabelledSeries<Series> {
  readonly labels: Readonly<Record<string, string>>;
  readonly series: Series;
}

/** The series of one metric by their labels, bounded: past the limit all share one whose values are `other`. */
export class SeriesSet<Label extends string, Series> {
  readonly #names: readonly Label[];
  readonly #limit: number;
  readonly #create: () => Series;
  readonly #byKey = new Map<string, LabelledSeries<Series>>();
  #overflow: LabelledSeries<Series> | undefined;

  constructor(names: readonly Label[], limit: number, create: () => Series) {
    this.#names = names;
    this.#limit = limit;
    this.#create = create;
    if (names.length === 0) this.with({} as Labels<Label>);
  }

  with(labels: Labels<Label>): Series {
    const values = this.#values(labels);
    const key = keyOf(values);
    const known = this.#byKey.get(key);
    if (known !== undefined) return known.series;
    if (this.#byKey.size >= this.#limit) {
      this.#overflow ??= this.#labelled(this.#names.map(() => OVERFLOW_VALUE));
      return this.#overflow.series;
    }
    const added = this.#labelled(values);
    this.#byKey.set(key, added);
    return added.series;
  }

  /** Takes a series away; a handle to it that is still held writes into nothing. */
  remove(labels: Labels<Label>): void {
    this.#byKey.delete(keyOf(this.#values(labels)));
  }

  /** Takes away every series that has all of these labels with these values. */
  forget(labels: Readonly<Record<string, string>>): void {
    const wanted = Object.entries(labels).map(([name, value]) => [name, cut(value)] as const);
    for (const [key, series] of this.#byKey) {
      if (wanted.every(([name, value]) => series.labels[name] === value)) this.#byKey.delete(key);
    }
  }

  all(): readonly LabelledSeries<Series>[] {
    const all = [...this.#byKey.values()];
    return this.#overflow === undefined ? all : [...all, this.#overflow];
  }

  #values(labels: Labels<Label>): string[] {
    return this.#names.map((name) => cut(labels[name]));
  }

  #labelled(values: readonly string[]): LabelledSeries<Series> {
    const labels = Object.fromEntries(this.#names.map((name, index) => [name, values[index] ?? '']));
    return { labels, series: this.#create() };
  }
}

function keyOf(values: readonly string[]): string {
  return values.map((value) => `${value.length}:${value}`).join('');
}

function cut(value: string): string {
  return String(value).slice(0, MOST_VALUE_CHARACTERS);
}
