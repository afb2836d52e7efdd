import { once } from 'node:events';
import { sql } from 'kysely';
import { silentLogger } from '../../src/kernel/logger.ts';
import { openStore } from '../../src/storage/open-store.ts';
import { KyselyModelStore } from '../../src/storage/registry/kysely-model-store.ts';

/** Another process on the store: `open <url>`, `write <url> <count>` or `lock <url> <ms>`. Says what it did. */
async function main([task, url = '', amount = '0']: readonly string[]): Promise<void> {
  const store = await openStore({ url }, silentLogger);
  if (task === 'write') {
    console.log('ready');
    await once(process.stdin, 'data');
    const models = new KyselyModelStore(store.database);
    for (let index = 0; index < Number(amount); index += 1) await models.addVersion(version(index));
  }
  if (task === 'lock') {
    await store.database.transaction().execute(async (transaction) => {
      await sql`select 1`.execute(transaction);
      console.log('ready');
      await new Promise((resolve) => setTimeout(resolve, Number(amount)));
    });
  }
  await store.close();
  console.log('done');
  process.stdin.destroy();
}

function version(index: number): Parameters<KyselyModelStore['addVersion']>[0] {
  return {
    model: 'contended',
    semver: null,
    digest: `sha256:${process.pid}-${index}`,
    files: [],
    flavor: 'onnx',
    source: 'child',
    metadata: {},
    createdAt: 0,
  };
}

await main(process.argv.slice(2));
