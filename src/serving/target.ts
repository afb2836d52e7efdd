import type { AppError } from '../kernel/errors.ts';
import type { RowOutput } from '../models/runtimes/runtime.ts';
import { lineTarget } from './prediction-log/lines.ts';
import type { Redact } from './prediction-log/redaction.ts';
import { compileRender, type RenderedOutput } from './render.ts';
import type { ServedVersion } from './served-version.ts';
import type { ServingMeter, TargetMeter } from './serving-meter.ts';

/** Where one request goes: a version, on behalf of an endpoint, with what is worked out once for both. */
export interface Target {
  readonly endpoint: string;
  readonly revision: number;
  readonly served: ServedVersion;
  readonly meter: TargetMeter;
  readonly render: (output: RowOutput) => RenderedOutput;
  readonly redact: Redact | null;
  /** The fields of a log line that never change here, as JSON text. */
  readonly line: string;
  /** `"model":…,"model_version":…` of an answer, as JSON text. */
  readonly identityJson: string;
  readonly statusOf: (error: AppError) => number;
}

interface TargetParts {
  readonly endpoint: string;
  readonly revision: number;
  readonly served: ServedVersion;
  readonly meter: ServingMeter;
  readonly redact: Redact | null;
  readonly statusOf: (error: AppError) => number;
}

export function createTarget({ endpoint, revision, served, meter, redact, statusOf }: TargetParts): Target {
  const { model } = served.version;
  return {
    endpoint,
    revision,
    served,
    redact,
    statusOf,
    meter: meter.target(endpoint, served.version),
    render: compileRender(served.signature.output),
    line: lineTarget({
      endpoint,
      revision,
      arm: 'stable',
      model,
      version: served.label,
      transformHash: served.transformHash,
    }),
    identityJson: `"model":${JSON.stringify(model)},"model_version":${JSON.stringify(served.label)}`,
  };
}
