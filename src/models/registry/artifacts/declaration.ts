import { z } from 'zod';
import { AppError } from '../../../kernel/errors.ts';
import type { JsonObject } from '../../../kernel/json.ts';
import type { DeclaredModel } from '../../runtimes/runtime.ts';

/** Where a folder without MLmodel has what its author says of the model. */
export const METADATA_FILE = 'metadata.json';

const label = z.union([z.string(), z.number(), z.boolean()]);
const declarationSchema = z.object({
  name: z.string().optional(),
  version: z.string().optional(),
  task: z.enum(['classification', 'regression']).nullish().catch(null),
  labels: z.array(label).nullish().catch(null),
  positive_label: label.nullish().catch(null),
  one_of: z.record(z.string(), z.array(z.string())).optional().catch(undefined),
  must_be_sent: z.array(z.string()).optional().catch(undefined),
});

/** What an author says of a model beside its signature. */
export interface Declaration {
  /** As the author wrote it: metrics, baseline, data. */
  readonly metadata: JsonObject;
  /** What `register` proposes. */
  readonly name: string | null;
  readonly semver: string | null;
  readonly outcome: Pick<DeclaredModel, 'task' | 'labels' | 'positiveLabel' | 'oneOf' | 'mustBeSent'>;
}

export const NOTHING_DECLARED: Declaration = {
  metadata: {},
  name: null,
  semver: null,
  outcome: { task: null, labels: null, positiveLabel: null },
};

/** Reads the `metadata` of an MLmodel file, or a metadata.json; `where` is the name of it in MODEL_UNREADABLE. */
export function parseDeclaration(metadata: JsonObject, where: string): Declaration {
  const checked = declarationSchema.safeParse(metadata);
  if (!checked.success)
    throw new AppError(
      'MODEL_UNREADABLE',
      `${where}: ${z.prettifyError(checked.error)}; quote a version: '1.0'`,
    );
  const { name, version, task, labels, positive_label, one_of, must_be_sent } = checked.data;
  return {
    metadata,
    name: name ?? null,
    semver: version?.replace(/^v/, '') ?? null,
    outcome: {
      task: task ?? null,
      labels: labels ?? null,
      positiveLabel: positive_label ?? null,
      ...(one_of && { oneOf: one_of }),
      ...(must_be_sent && { mustBeSent: must_be_sent }),
    },
  };
}
