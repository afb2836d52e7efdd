import { z } from 'zod';
import type { AnyOperation } from './operation.ts';
import { OPERATIONS } from './operations.ts';
import { TRANSFORM_SCHEMA } from './spec.ts';

/** `docs/reference/transforms.md`, from the definitions of the operations. */
export function transformReference(): string {
  return `# Transforms

Generated from \`src/models/transforms/\`; \`npm run docs:generate\` writes it anew.

A transform turns the raw fields of a row into the numbers that a model takes. It is a YAML or JSON document:

\`\`\`yaml
schema: ${TRANSFORM_SCHEMA}
fields:
  - { name: income, type: number, unit: EUR, minimum: 0, required: false }
  - { name: grade, type: string }
  - { name: applied_at, type: datetime }
outputs:
  - { name: income, from: income, steps: [{ op: impute, with: median }, { op: standardise }] }
  - { name: grade, from: grade, steps: [{ op: one_hot, unknown: zeros }] }
  - { name: month, from: applied_at, steps: [{ op: month }, { op: cyclical, period: 12 }] }
\`\`\`

A field is a \`number\`, \`integer\`, \`boolean\`, \`string\` or \`datetime\` (ISO 8601; UTC where no zone is given). An output is
one field, or two, and a chain of steps that ends in numbers; outputs stand in the order of the document, and a step that
makes several columns names them \`<output>_<part>\`. A chain that may end without a value needs \`impute\`, a rule of its
encoding, or \`missing: nan\`. Arithmetic is in float64, and each column is rounded to float32 once.

\`slipway transform check\` says what is wrong with a document, \`fit\` learns from training rows what the steps marked
"learns" need, \`apply\` turns rows into columns, and \`diff\` says in which operation two documents differ. See
[Transform training data](../guides/transform-training-data.md).

| operation | takes → gives | what it does | formula, x being the value | options | learns |
| --- | --- | --- | --- | --- | --- |
${OPERATIONS.map(rowOf).join('\n')}
`;
}

function rowOf(operation: AnyOperation): string {
  const takes = operation.takes.map((kinds) => kinds.join(' or ')).join(', ');
  const learns = operation.fitted === null ? '' : names(operation.fitted).join(', ');
  const cells = [
    `\`${operation.name}\``,
    `${takes} → ${operation.gives}`,
    operation.summary,
    operation.formula,
    names(operation.options).join(', '),
    learns,
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

/** Names of an object's keys, with the default and the choices of each where it has some. */
function names(schema: z.ZodType): readonly string[] {
  const { properties = {} } = z.toJSONSchema(schema, { io: 'input' }) as {
    properties?: Record<string, { enum?: readonly string[]; default?: unknown }>;
  };
  return Object.entries(properties).map(([name, { enum: choices, default: fallback }]) => {
    const among = choices === undefined ? '' : `: ${choices.join(', ')}`;
    return `\`${name}\`${among}${fallback === undefined ? '' : ` (default ${JSON.stringify(fallback)})`}`;
  });
}
