import { type ConfigPath, pathText } from './config-path.ts';
import { describeConfig, nodeAt } from './describe-config.ts';

/** How many letters must be added, taken away, changed or swapped with their neighbour. */
export function editDistance(left: string, right: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i++) {
    const row = [i];
    for (let j = 1; j <= right.length; j++) {
      const same = left[i - 1] === right[j - 1];
      let best = Math.min(at(previous, j) + 1, at(row, j - 1) + 1, at(previous, j - 1) + (same ? 0 : 1));
      if (i > 1 && j > 1 && left[i - 1] === right[j - 2] && left[i - 2] === right[j - 1]) {
        best = Math.min(best, at(beforePrevious, j - 2) + 1);
      }
      row.push(best);
    }
    beforePrevious = previous;
    previous = row;
  }
  return at(previous, right.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY;
}

/** The candidate nearest to `name`, when it is near enough to be a slip of the hand. */
export function closestName(name: string, candidates: Iterable<string>): string | undefined {
  if (name.length > 128) return undefined;
  let closest: string | undefined;
  let least = Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < least) {
      least = distance;
      closest = candidate;
    }
  }
  return closest;
}

/** What an unknown key was perhaps meant to be: a neighbour, or the same key in its right section. */
export function closestKey(parent: ConfigPath, key: string): string | undefined {
  const node = nodeAt(parent);
  if (node?.kind !== 'section') return undefined;
  const neighbour = closestName(key, node.children.keys());
  if (neighbour !== undefined) return neighbour;
  const moved = describeConfig().find(({ path }) => path.at(-1) === key);
  return moved && pathText(moved.path);
}
