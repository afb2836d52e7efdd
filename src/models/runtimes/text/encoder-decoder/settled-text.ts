/**
 * What of a text that still grows may be shown: all but its last word, since a token more may change how that ends and
 * whether a space stands before it. The pieces together are the text.
 */
export class SettledText {
  #shown = '';

  /** The words that have come to stand since the last call. */
  grow(text: string): string {
    const space = /\s+\S*$/u.exec(text);
    return this.#show(space === null ? '' : text.slice(0, space.index));
  }

  /** What is left of the whole text. */
  finish(text: string): string {
    return this.#show(text);
  }

  #show(settled: string): string {
    if (!settled.startsWith(this.#shown)) return '';
    const piece = settled.slice(this.#shown.length);
    this.#shown = settled;
    return piece;
  }
}
