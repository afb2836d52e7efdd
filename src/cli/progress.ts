import type { CliContext, GlobalOptions } from './context.ts';

const BAR_CELLS = 24;
const DRAWN_EVERY_MS = 100;
const LINE_EVERY_MS = 5_000;

/** How far a command is, on stderr: a bar where somebody looks at it, else a line every few seconds. */
export interface Progress {
  /** `share` of all rows, 0 to 1, or null where that is not known. */
  update(rows: number, share: number | null): void;
  /** Takes the bar away. */
  end(): void;
}

export interface QuietOptions extends GlobalOptions {
  readonly quiet?: boolean;
}

/** None with `--json` or `--quiet`. `now` in milliseconds. */
export function showProgress(
  { err, isTerminal }: Pick<CliContext, 'err' | 'isTerminal'>,
  { json, quiet }: QuietOptions,
  title: string,
  now: () => number = () => performance.now(),
): Progress {
  if (json === true || quiet === true) return { update: () => undefined, end: () => undefined };
  const start = now();
  const every = isTerminal ? DRAWN_EVERY_MS : LINE_EVERY_MS;
  let shownAt = start;
  let drawn = false;
  return {
    update(rows, share) {
      const at = now();
      if (at - shownAt < every) return;
      shownAt = at;
      const facts = `${title}  ${factsOf(rows, share, at - start)}`;
      drawn = isTerminal;
      err(isTerminal ? `\r\x1b[K${share === null ? '' : `${bar(share)} `}${facts}` : `${facts}\n`);
    },
    end() {
      if (drawn) err('\r\x1b[K');
      drawn = false;
    },
  };
}

function factsOf(rows: number, share: number | null, ms: number): string {
  const perSecond = Math.round(rows / (ms / 1000));
  const percent = share === null ? '' : `  ${Math.floor(share * 100)} %`;
  return `${rows.toLocaleString('en')} rows  ${perSecond.toLocaleString('en')} rows/s${percent}`;
}

function bar(share: number): string {
  const full = Math.round(Math.min(1, share) * BAR_CELLS);
  return `[${'#'.repeat(full)}${'-'.repeat(BAR_CELLS - full)}]`;
}
