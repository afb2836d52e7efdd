import { proveAbuse as abuse } from './abuse.ts';
import { proveAccess as access } from './access.ts';
import { proveConcurrency as concurrency } from './concurrency.ts';
import { proveDrain as drain } from './drain.ts';
import { proveFullDisk as disk } from './full-disk.ts';
import { proveKills as kill } from './kills.ts';
import { proveLockedStore as locked } from './locked-store.ts';
import { proveNeighbours as neighbours } from './neighbours.ts';
import { proveOverload as overload } from './overload.ts';
import type { Held, Proof } from './proof.ts';
import { provePythonFaults as python } from './python-faults.ts';
import { proveTransform as transform } from './transform.ts';
import { proveTranslation as translation } from './translation.ts';

const PROOFS: Readonly<Record<string, Proof>> = {
  kill,
  locked,
  disk,
  drain,
  abuse,
  neighbours,
  concurrency,
  overload,
  access,
  transform,
  python,
  translation,
};

const words = process.argv.slice(2);
const named = words.filter((word) => word !== '--json');
const unknown = named.filter((name) => !Object.hasOwn(PROOFS, name));
if (unknown.length > 0) {
  process.stderr.write(
    `No proof is called ${unknown.join(', ')}; there are ${Object.keys(PROOFS).join(', ')}\n`,
  );
  process.exit(2);
}
const table: (Held & { readonly proof: string })[] = [];
for (const name of named.length > 0 ? named : Object.keys(PROOFS)) {
  process.stderr.write(`${name}\n`);
  table.push(...(await run(name)));
}
process.stdout.write(words.includes('--json') ? `${JSON.stringify(table, null, 2)}\n` : rendered());
process.exit(table.every(({ held }) => held) ? 0 : 1);

/** A proof that breaks off is one that does not hold. */
async function run(name: string): Promise<typeof table> {
  try {
    const found = await (PROOFS[name] as Proof)();
    return found.map((held) => ({ proof: name, ...held }));
  } catch (error) {
    return [{ proof: name, bar: 'runs to its end', figure: String((error as Error).stack), held: false }];
  }
}

function rendered(): string {
  return table
    .map(({ proof, bar, figure, held }) => `${held ? 'held' : 'NOT HELD'}  ${proof}  ${bar}: ${figure}\n`)
    .join('');
}
