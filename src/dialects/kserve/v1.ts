import { AppError } from '../../kernel/errors.ts';
import { isJsonObject, type JsonValue, jsonTypeOf } from '../../kernel/json.ts';
import type { Signature } from '../../models/signature.ts';
import type { Answer } from '../../serving/predictor.ts';

/** KServe's V1 protocol (github.com/kserve/kserve, docs/predict-api/v1): the rows of `{"instances": […]}`. */
export function instancesOf(signature: Signature, body: JsonValue): readonly JsonValue[] {
  const instances = isJsonObject(body) ? body['instances'] : undefined;
  if (!Array.isArray(instances)) {
    const got = jsonTypeOf(isJsonObject(body) ? instances : body);
    throw new AppError('REQUEST_MALFORMED', `Expected "instances" to be a list, got ${got}`);
  }
  const [only] = signature.fields;
  const isScalar = signature.fields.length === 1 && only !== undefined && only.shape.length === 0;
  if (!isScalar) return instances;
  return instances.map((instance: JsonValue) =>
    typeof instance === 'object' && instance !== null ? instance : { [only.name]: instance },
  );
}

/** The answers, one prediction an instance. */
export function predictionsJson(answers: readonly Answer[]): string {
  return `{"predictions":[${answers.map(({ rendered }) => rendered.predictionJson).join(',')}]}`;
}

const NAMED_PROBLEMS = 20;

/** What stands under `error`, where KServe's clients look. */
export function errorTextOf(error: AppError, requestId: string): string {
  if (error.isHidden)
    return `${error.title}; the server log has the reason under the request id ${requestId}`;
  if (error.problems.length === 0) return error.message.slice(0, 1000);
  const named = error.problems
    .slice(0, NAMED_PROBLEMS)
    .map(
      ({ path, message, expected }) => `${path} ${message}${expected === undefined ? '' : ` (${expected})`}`,
    );
  const more = error.problems.length - NAMED_PROBLEMS;
  return `${error.title}: ${named.join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}
