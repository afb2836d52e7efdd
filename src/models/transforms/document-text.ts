import { documentOf, type TransformSpec } from './spec.ts';

/** The document as a file of JSON, with a line for each field and each output: what was learnt of a column stays together. */
export function documentText(spec: TransformSpec): string {
  const { schema, target, fields, outputs } = documentOf(spec);
  const list = (items: readonly unknown[]): string =>
    items.map((item) => `\n    ${JSON.stringify(item)}`).join(',');
  const label = target === undefined ? '' : `  "target": ${JSON.stringify(target)},\n`;
  return `{\n  "schema": ${JSON.stringify(schema)},\n${label}  "fields": [${list(fields)}\n  ],\n  "outputs": [${list(outputs)}\n  ]\n}\n`;
}
