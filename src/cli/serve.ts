import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import type { ConfigFlags } from '../config/load-config.ts';
import { AppError } from '../kernel/errors.ts';
import { isModelLocation } from '../models/model-reference.ts';
import type { CliContext, CliServer, GlobalOptions } from './context.ts';
import { readConfig } from './read-config.ts';
import { type TrustOptions, trustFlags, withTrust } from './trust.ts';

interface ServeOptions extends GlobalOptions, TrustOptions {
  readonly host?: string;
  readonly port?: string;
  readonly grpcPort?: string;
  readonly name?: string;
}

export function registerServe(program: Command, context: CliContext): void {
  withTrust(program.command('serve'))
    .argument(
      '[model]',
      'a model file or directory (ONNX, pickle, joblib, XGBoost, LightGBM, MLflow, translation), a registered model (name, name@alias, name/7, models:/name/Production), runs:/id/model, or http://host/v2/models/name',
    )
    .description(
      'Serve models over HTTP; with an argument just that one, without the endpoints of slipway.yaml',
    )
    .option('--host <address>', 'address to listen on (default 127.0.0.1)')
    .option('-p, --port <port>', 'port to listen on (default 8000; 0 for a free one)')
    .option('--grpc-port <port>', 'serve gRPC too, on this port (0 for a free one)')
    .option('--name <endpoint>', 'name of the endpoint for the model given')
    .addHelpText(
      'after',
      '\nExample:\n  $ slipway serve ./model.onnx --port 9000\n  $ slipway serve ./model.pkl --trust\n  $ slipway serve sales-quantity-classifier@production',
    )
    .action(async (model: string | undefined, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<ServeOptions>();
      const { config } = readConfig(
        context,
        options,
        flagsOf(model === undefined ? undefined : asModel(model, context.cwd), options),
      );
      const registered: string[] = [];
      const server = await context.startServer(config, (path, version, created) => {
        registered.push(`${path} ${created ? 'is registered as' : 'is'} ${version}`);
      });
      context.out(
        options.json === true ? `${JSON.stringify(factsOf(server))}\n` : welcome(server, registered),
      );
      const signal = await context.untilSignal();
      context.exitOnNextSignal();
      if (options.json !== true) context.out(`\n${signal}: answering what is under way, then stopping\n`);
      await server.stop();
    });
}

/** What stands on the disk under that name is meant, and not a registered model. */
export function asModel(model: string, cwd: string): string {
  return !isModelLocation(model) && existsSync(path.resolve(cwd, model)) ? `./${model}` : model;
}

function flagsOf(model: string | undefined, options: ServeOptions): ConfigFlags {
  const port = portOf('--port', options.port);
  const grpcPort = portOf('--grpc-port', options.grpcPort);
  const name = options.name ?? 'default';
  return {
    ...trustFlags(options),
    server: { host: options.host, port },
    ...(grpcPort !== undefined && { grpc: { enabled: true, port: grpcPort } }),
    ...(model !== undefined && { default_endpoint: name, endpoints: { [name]: { model } } }),
  };
}

function portOf(flag: string, given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  if (!/^\d+$/.test(given)) throw new AppError('ARGUMENT_INVALID', `${flag} ${given} is not a port`);
  return Number(given);
}

function factsOf(server: CliServer): object {
  return {
    url: server.url,
    ...(server.grpcAddress !== null && { grpc: server.grpcAddress }),
    docs: `${server.url}/docs`,
    metrics: `${server.url}/metrics`,
    logs: server.logs,
    default_endpoint: server.defaultEndpoint,
    endpoints: server.endpoints(),
  };
}

function welcome(server: CliServer, registered: readonly string[]): string {
  const lines = [...registered];
  for (const { name, state, model, version, reason } of server.endpoints()) {
    const what = state === 'ready' ? `${model} ${version}` : `${state}: ${reason}`;
    lines.push(
      `${name === server.defaultEndpoint ? 'POST /predict' : `POST /models/${name}/predict`} → ${what}`,
    );
  }
  lines.push(
    '',
    `  API      ${server.url}`,
    ...(server.grpcAddress === null ? [] : [`  gRPC     ${server.grpcAddress}`]),
    `  Docs     ${server.url}/docs`,
    `  Metrics  ${server.url}/metrics`,
    `  Logs     ${server.logs}`,
  );
  const example = server.example();
  if (example !== null) lines.push('', `  ${curlOf(server.url, example)}`);
  return `${lines.join('\n')}\n\nCtrl-C stops it.\n`;
}

/** A line that works when pasted into a POSIX shell. */
export function curlOf(url: string, row: object): string {
  const body = JSON.stringify({ features: row }).replaceAll("'", "'\\''");
  return `curl -s ${url}/predict -H 'content-type: application/json' -d '${body}'`;
}
