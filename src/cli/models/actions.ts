import type { Command } from 'commander';
import type { CliContext, CliRegistry, GlobalOptions } from '../context.ts';
import { readConfig } from '../read-config.ts';
import { type TrustOptions, trustFlags } from '../trust.ts';

/** What a command does with the registries: the answer for `--json`, and in words. */
export type Act<Options> = (
  session: CliRegistry,
  options: Options & GlobalOptions,
  args: readonly string[],
) => Promise<{ readonly json: unknown; readonly text: string }>;

export type On = <Options>(command: Command, act: Act<Options>) => void;

/** Gives a command its action: the registries are open while it runs. */
export function actionsOn(context: CliContext): On {
  return (command, act) => {
    command.action(async (...received: unknown[]) => {
      const own = received.at(-1) as Command;
      const options = own.optsWithGlobals<never>();
      const session = await context.openRegistry(
        readConfig(context, options, trustFlags(options as TrustOptions)).config,
      );
      try {
        const { json, text } = await act(session, options, own.args);
        const isJson = (options as GlobalOptions).json === true;
        context.out(isJson ? `${JSON.stringify(json, null, 2)}\n` : `${text}\n`);
      } finally {
        await session.close();
      }
    });
  };
}
