import { expect, it } from 'vitest';
import { proveAbuse } from '../prove/abuse.ts';
import { proveAccess } from '../prove/access.ts';
import { proveConcurrency } from '../prove/concurrency.ts';
import { proveDrain } from '../prove/drain.ts';
import { proveKills } from '../prove/kills.ts';
import { proveNeighbours } from '../prove/neighbours.ts';
import type { Held } from '../prove/proof.ts';

/** The proofs of `scripts/prove.mjs` with less of everything. */
const quick: readonly (readonly [string, () => Promise<readonly Held[]>])[] = [
  ['loses and doubles nothing when it is killed', () => proveKills({ times: 3 })],
  ['drains without a failed request', () => proveDrain({ times: 1, busy: 32, idle: 8 })],
  ['answers 500 bad requests as documented', () => proveAbuse({ requests: 500, heavyEach: 1, slowEach: 2 })],
  ['answers the neighbours of bad rows', () => proveNeighbours()],
  ['gives each caller its own answer', () => proveConcurrency({ requests: 1_000, batches: 15 })],
  ['lets in who may come in', () => proveAccess()],
];

it.each(quick)('%s', async (_name, prove) => {
  expect((await prove()).filter(({ held }) => !held)).toEqual([]);
});
