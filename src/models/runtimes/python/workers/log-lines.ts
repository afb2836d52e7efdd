import { StringDecoder } from 'node:string_decoder';

const LONGEST_LINE = 4_096;
/** Lines that may be written at once, and how many more each second; past them a second passes before the next. */
const BURST = 200;
const PER_SECOND = 10;

/**
 * What a process prints, line by line, with bounds on the length of a line and on how many there are a second: what is
 * past them is counted and named once lines are taken again. Everything is read, so the process never waits.
 */
export class LogLines {
  readonly #write: (line: string) => void;
  readonly #elapsedMs: () => number;
  readonly #decoder = new StringDecoder('utf8');
  #line = '';
  #cut = 0;
  #allowance = BURST;
  #countedAt: number;
  #dropped = 0;

  constructor(write: (line: string) => void, elapsedMs: () => number) {
    this.#write = write;
    this.#elapsedMs = elapsedMs;
    this.#countedAt = elapsedMs();
  }

  push(piece: Buffer): void {
    const parts = this.#decoder.write(piece).split('\n');
    for (let i = 0; i < parts.length; i++) {
      if (i > 0) this.#end();
      this.#add(parts[i] as string);
    }
  }

  /** What was printed last without an end of line, and what was dropped. */
  close(): void {
    this.#add(this.#decoder.end());
    if (this.#line !== '') this.#end();
    this.#tellDropped();
  }

  #add(part: string): void {
    const room = LONGEST_LINE - this.#line.length;
    this.#line += part.slice(0, room);
    this.#cut += Math.max(0, part.length - room);
  }

  #end(): void {
    const line = this.#line.replace(/\r$/, '');
    const whole = this.#cut === 0 ? line : `${line}… (${this.#cut} characters more)`;
    this.#line = '';
    this.#cut = 0;
    if (line === '') return;
    if (this.#takes()) {
      this.#tellDropped();
      this.#write(whole);
    } else this.#dropped++;
  }

  #takes(): boolean {
    const now = this.#elapsedMs();
    this.#allowance = Math.min(BURST, this.#allowance + ((now - this.#countedAt) / 1000) * PER_SECOND);
    this.#countedAt = now;
    if (this.#allowance < (this.#dropped > 0 ? PER_SECOND : 1)) return false;
    this.#allowance--;
    return true;
  }

  #tellDropped(): void {
    if (this.#dropped > 0) this.#write(`${this.#dropped} lines were dropped: the model prints too much`);
    this.#dropped = 0;
  }
}
