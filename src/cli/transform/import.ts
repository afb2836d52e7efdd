import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { stringify } from 'yaml';
import { writeWhole } from '../../kernel/whole-file.ts';
import { documentText } from '../../models/transforms/document-text.ts';
import { importMappings } from '../../models/transforms/import-mappings.ts';
import { documentOf } from '../../models/transforms/spec.ts';
import type { CliContext, GlobalOptions } from '../context.ts';
import { readDocument } from '../read-document.ts';

interface ImportOptions extends GlobalOptions {
  readonly out?: string;
}

export function registerImport(transform: Command, context: CliContext): void {
  transform
    .command('import <file>')
    .description('Make a transform of a JSON or YAML file with feature_names and encoding_mappings')
    .option('--out <file>', 'where the transform goes: YAML, or JSON where it ends so (default: printed)')
    .addHelpText('after', '\nExample:\n  $ slipway transform import metadata.json --out transform.yaml')
    .action(async (file: string, _options: unknown, command: Command) => {
      const { out, json } = command.optsWithGlobals<ImportOptions>();
      const spec = importMappings(readDocument(path.resolve(context.cwd, file)));
      const isJson = out === undefined ? json === true : out.endsWith('.json');
      const text = isJson ? documentText(spec) : stringify(documentOf(spec));
      if (out === undefined) {
        context.out(text);
        return;
      }
      await writeWhole(path.resolve(context.cwd, out), (part) => writeFile(part, text));
      const facts = { out, fields: spec.fields.length, outputs: spec.outputs.length };
      context.out(
        json === true
          ? `${JSON.stringify(facts)}\n`
          : `${out}: ${facts.fields} fields, ${facts.outputs} outputs\n`,
      );
    });
}
