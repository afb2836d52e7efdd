import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** One line of the table: what was asked, what was measured, and whether it holds. */
export interface Held {
  readonly bar: string;
  readonly figure: string;
  readonly held: boolean;
}

export type Proof = () => Promise<readonly Held[]>;

export function progress(text: string): void {
  process.stderr.write(`  ${text}\n`);
}

/** A bar that counts what must not happen. */
export function none(bar: string, found: readonly string[], outOf: string): Held {
  const examples = found.slice(0, 3).join(' | ').slice(0, 600);
  return {
    bar,
    figure: found.length === 0 ? `0 in ${outOf}` : `${found.length} in ${outOf}: ${examples}`,
    held: found.length === 0,
  };
}

export async function inTemporaryDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(path.join(tmpdir(), 'slipway-prove-'));
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Asks until the answer is yes; milliseconds that it took, or null when it never was. */
export async function until(ask: () => Promise<boolean>, withinMs: number): Promise<number | null> {
  const start = performance.now();
  for (;;) {
    if (await ask()) return performance.now() - start;
    if (performance.now() - start > withinMs) return null;
    await sleep(50);
  }
}

/** Does the work for each item, so many at a time. */
export async function eachOf<T>(
  items: readonly T[],
  atOnce: number,
  work: (item: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  async function worker(): Promise<void> {
    while (next < items.length) {
      const index = next++;
      await work(items[index] as T, index);
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
}

/** Random numbers that are the same for the same seed (mulberry32). */
export interface Random {
  /** In [0, 1). */
  next(): number;
  /** A whole number from `least` to `most`. */
  between(least: number, most: number): number;
  pick<T>(items: readonly T[]): T;
  hex(length: number): string;
}

export function seeded(seed: number): Random {
  let state = seed >>> 0;
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
  function between(least: number, most: number): number {
    return least + Math.floor(next() * (most - least + 1));
  }
  return {
    next,
    between,
    pick: (items) => items[between(0, items.length - 1)] as (typeof items)[number],
    hex: (length) => Array.from({ length }, () => between(0, 15).toString(16)).join(''),
  };
}
