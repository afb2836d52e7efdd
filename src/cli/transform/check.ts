import type { Command } from 'commander';
import { compileTransform } from '../../models/transforms/compile.ts';
import { fingerprintOf } from '../../models/transforms/fingerprint.ts';
import type { TransformSpec } from '../../models/transforms/spec.ts';
import type { CliContext, GlobalOptions } from '../context.ts';
import { readSpec } from './read-spec.ts';

export function registerCheck(transform: Command, context: CliContext): void {
  transform
    .command('check <spec>')
    .description('Say everything that is wrong with a transform, or what it makes of which fields')
    .addHelpText('after', '\nExample:\n  $ slipway transform check transform.yaml')
    .action((file: string, _options: unknown, command: Command) => {
      const { json } = command.optsWithGlobals<GlobalOptions>();
      const spec = readSpec(context, file);
      const open = openSteps(spec);
      const columns = open.length === 0 ? compileTransform(spec).columns : null;
      const facts = {
        fields: spec.fields.length,
        outputs: spec.outputs.length,
        columns,
        not_fitted: open,
        fingerprint: fingerprintOf(spec),
      };
      if (json === true) context.out(`${JSON.stringify(facts)}\n`);
      else context.out(describe(spec, columns, open));
    });
}

/** Steps that are still to be fitted, by output. */
function openSteps(spec: TransformSpec): readonly string[] {
  return spec.outputs.flatMap(({ name, steps }) =>
    steps.filter((step) => step.fitted === undefined).map((step) => `${name}: ${step.operation.name}`),
  );
}

function describe(spec: TransformSpec, columns: readonly string[] | null, open: readonly string[]): string {
  const lines = spec.outputs.map(({ name, from, steps }) => {
    const sources = from.map((place) => spec.fields[place]?.name).join(', ');
    return `  ${[sources, ...steps.map((step) => step.operation.name), name].join(' → ')}`;
  });
  const state =
    columns === null
      ? `Not fitted yet: ${open.join(', ')}. Run \`slipway transform fit\` on the training data.`
      : `${columns.length} columns: ${columns.join(', ')}`;
  return `The transform is valid.\n${lines.join('\n')}\n${state}\n`;
}
