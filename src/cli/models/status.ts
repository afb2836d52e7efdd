import type { Command } from 'commander';
import { z } from 'zod';
import { health } from '../../contracts/native.ts';
import { AppError, messageOf } from '../../kernel/errors.ts';
import type { CliContext, GlobalOptions } from '../context.ts';
import { table } from '../output.ts';
import { readConfig } from '../read-config.ts';

interface StatusOptions extends GlobalOptions {
  readonly url?: string;
}

const TIMEOUT_MS = 5_000;

/** `slipway models status`: what a running server serves, what it refused and why. */
export function registerStatus(models: Command, context: CliContext): void {
  models
    .command('status')
    .description('What a running server serves, what is to take over, and what it refused')
    .option('--url <url>', 'the server (default: as slipway.yaml has it)')
    .addHelpText('after', '\nExample:\n  $ slipway models status --url http://127.0.0.1:8000')
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<StatusOptions>();
      const { server } = readConfig(context, options).config;
      const host = server.host === '0.0.0.0' || server.host === '::' ? '127.0.0.1' : server.host;
      const url = options.url ?? `${server.tls === undefined ? 'http' : 'https'}://${host}:${server.port}`;
      const state = await ask(url);
      context.out(options.json === true ? `${JSON.stringify(state, null, 2)}\n` : `${inWords(state)}\n`);
    });
}

type State = z.infer<typeof health>;

async function ask(url: string): Promise<State> {
  let answer: unknown;
  try {
    const response = await fetch(`${url.replace(/\/+$/, '')}/health`, {
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    answer = await response.json();
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    throw new AppError('NOT_READY', `No server answers at ${url}: ${messageOf(cause)}; name it with --url`);
  }
  const checked = health.safeParse(answer);
  if (checked.success) return checked.data;
  throw new AppError('NOT_READY', `${url} is not a Slipway server: ${z.prettifyError(checked.error)}`);
}

function inWords({ status, models, problems }: State): string {
  const rows = Object.entries(models).map(([name, endpoint]) => [
    name,
    endpoint.reference,
    endpoint.state,
    endpoint.model === null ? '-' : `${endpoint.model} ${endpoint.version}`,
    String(endpoint.revision),
    endpoint.candidate === null ? '-' : `${endpoint.candidate.version} ${endpoint.candidate.state}`,
    endpoint.previous.join(', ') || '-',
  ]);
  const heading = ['ENDPOINT', 'FOLLOWS', 'STATE', 'SERVES', 'REVISION', 'CANDIDATE', 'KEPT'];
  return [
    table([heading, ...rows]),
    '',
    `status: ${status}`,
    ...problems.map((problem) => `- ${problem}`),
  ].join('\n');
}
