#!/usr/bin/env node
import { runCli } from './cli/program.ts';
import { createCliContext } from './composition/cli-context.ts';

/** A reader that goes away (`slipway serve | head`) is no reason to end without draining. */
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

process.exitCode = await runCli(process.argv.slice(2), createCliContext());
