#!/usr/bin/env node
import { runCli } from './cli/program.ts';
import { createCliContext } from './composition/cli-context.ts';

process.exitCode = await runCli(process.argv.slice(2), createCliContext());
