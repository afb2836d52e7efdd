import type { Parameters } from '../../contracts/oip/tensor.ts';
import { AppError, type FieldProblem, summaryOf } from '../../kernel/errors.ts';
import { MAX_CALLER_ID_LENGTH } from '../../kernel/ids.ts';
import type { ModelReference, NamedModel } from '../../models/model-reference.ts';
import { type ModelVersion, schemeOf, versionLabel } from '../../models/model-version.ts';
import type { ModelRegistry } from '../../models/registry/registry.ts';
import type { Fleet } from '../../serving/fleet.ts';
import type { Answer, Predictor, RequestContext } from '../../serving/predictor.ts';
import type { ServedVersion } from '../../serving/served-version.ts';
import type { Target } from '../../serving/target.ts';
import type { VersionTally } from '../../serving/version-tally.ts';
import { describeTensors, platformOf, propertiesOf, withRows } from './describe-model.ts';
import { compileOutputTensors, type OutputTensors } from './output-tensors.ts';
import type {
  Caller,
  Duration,
  InferenceService,
  InferRequest,
  InferResponse,
  ModelStatistics,
  RepositoryEntry,
} from './protocol.ts';
import { compileReadRows, type ReadRows } from './read-rows.ts';

interface InferenceDependencies {
  readonly fleet: Fleet;
  readonly registry: ModelRegistry;
  readonly predictor: Predictor;
  /** The program's. */
  readonly version: string;
  /** Whether required endpoints can answer and the process is not shutting down. */
  readonly ready: () => boolean;
  readonly tallyOf: (version: ModelVersion) => VersionTally;
  readonly maxRequestRows: number;
}

interface Translation {
  readonly readRows: ReadRows;
  readonly outputs: OutputTensors;
}

/** What works here beyond the protocol itself, in Triton's words. */
const EXTENSIONS = [
  'binary_tensor_data',
  'classification',
  'model_configuration',
  'model_repository',
  'statistics',
];

/** The Open Inference Protocol on the fleet and the predictor that every dialect uses. */
export function createInferenceService(deps: InferenceDependencies): InferenceService {
  const { fleet, registry, predictor } = deps;
  const translations = new WeakMap<ServedVersion, Translation>();

  function translationOf(served: ServedVersion): Translation {
    let known = translations.get(served);
    if (known === undefined) {
      known = {
        readRows: compileReadRows(served.signature),
        outputs: compileOutputTensors(served.signature),
      };
      translations.set(served, known);
    }
    return known;
  }

  async function infer(request: InferRequest, caller: Caller): Promise<InferResponse> {
    const found = targetOf(fleet, request.modelName, request.modelVersion);
    const target = found instanceof Promise ? await found : found;
    const { readRows, outputs } = translationOf(target.served);
    const context = contextOf(request, caller);
    const problems: FieldProblem[] = [];
    const wanted = outputs.select(request.outputs, problems);
    const read = readRows(request.inputs, deps.maxRequestRows);
    if (read.problems !== null) problems.unshift(...read.problems);
    if (read.rows === null || problems.length > 0) {
      const error = new AppError('INPUT_INVALID', summaryOf(problems, 'The request'), { problems });
      return predictor.refuse(target, error, context);
    }
    const answers = await predictor.predictAll(target, read.rows, context);
    return {
      modelName: request.modelName,
      modelVersion: target.served.label,
      id: request.id,
      parameters: parametersOf(answers),
      outputs: outputs.tensorsOf(
        answers.map((answer) => answer.output),
        wanted,
      ),
    };
  }

  return {
    server: () => ({ name: 'slipway', version: deps.version, extensions: EXTENSIONS }),
    live: () => true,
    ready: deps.ready,
    infer,
    async modelReady(name, version) {
      try {
        if (version === '') return fleet.named(name) !== undefined;
        return fleet.stateOf(await fleet.resolve(name, byVersion(version))).is === 'ready';
      } catch (error) {
        if (error instanceof AppError && error.code === 'NOT_READY') return false;
        throw error;
      }
    },
    async model(name, version) {
      const { served } = await targetOf(fleet, name, version);
      const { inputs, outputs } = describeTensors(served.signature);
      const { versions } = await registry.getModel(served.version.model, schemeOf(served.version));
      const live = versions.filter(({ archivedAt }) => archivedAt === null);
      return {
        name,
        versions: live.map(versionLabel).reverse(),
        platform: platformOf(served.version),
        inputs: inputs.map(withRows),
        outputs: outputs.map(withRows),
        properties: propertiesOf(served.version, served.signature),
      };
    },
    async config(name, version) {
      const { served } = await targetOf(fleet, name, version);
      return {
        name,
        platform: platformOf(served.version),
        maxBatchSize: deps.maxRequestRows,
        ...describeTensors(served.signature),
      };
    },
    async statistics(name, version) {
      const of = (asked: ModelVersion, called: string) => statisticsOf(asked, called, deps.tallyOf(asked));
      if (name === '') return fleet.loaded().map((served) => of(served.version, served.version.model));
      if (version !== '') return [of(await fleet.resolve(name, byVersion(version)), name)];
      const { model, scheme } = fleet.modelOf(name);
      const loaded = fleet.loaded().filter((served) => served.version.model === model);
      if (loaded.length === 0) await registry.getModel(model, scheme);
      return loaded.map((served) => of(served.version, name));
    },
    async index(onlyReady) {
      const entries = await repositoryOf(fleet, registry);
      return onlyReady ? entries.filter(({ state }) => state === 'READY') : entries;
    },
    load: (name) => fleet.load(name),
    unload: (name) => fleet.unload(name),
  };
}

function contextOf({ id }: InferRequest, caller: Caller): RequestContext {
  const { traceId, routingKey, receivedAt, dialect, correlationId } = caller;
  return {
    traceId,
    dialect,
    routingKey,
    receivedAt,
    correlationId: id === undefined || id === '' ? correlationId : id.slice(0, MAX_CALLER_ID_LENGTH),
    callerTime: undefined,
    rowTexts: null,
  };
}

const byVersion =
  (version: string) =>
  (named: NamedModel): ModelReference => ({ ...named, by: 'version', version });

/** Without a look-up where no version is asked for, or the one that the endpoint serves. */
function targetOf(fleet: Fleet, name: string, version: string): Target | Promise<Target> {
  if (version === '') return fleet.named(name);
  const held = fleet.held(name);
  if (held?.served.label === version || String(held?.served.version.number) === version)
    return held as Target;
  return fleet.version(name, byVersion(version));
}

/** With which feedback finds the rows again. */
function parametersOf(answers: readonly Answer[]): Parameters {
  const [only] = answers;
  const ids: Parameters =
    answers.length === 1 && only !== undefined
      ? { prediction_id: only.id }
      : { prediction_ids: answers.map(({ id }) => id).join(',') };
  return answers.every(({ logged }) => logged) ? ids : { ...ids, logged: false };
}

function statisticsOf(version: ModelVersion, name: string, tally: VersionTally): ModelStatistics {
  return {
    name,
    version: versionLabel(version),
    lastInference: tally.lastAnswer,
    inferenceCount: tally.rows,
    executionCount: tally.runs,
    success: durationOf(tally.succeeded, tally.succeededMs),
    fail: durationOf(tally.failed, tally.failedMs),
    queue: durationOf(tally.inferred, tally.queueMs),
    computeInput: NOT_MEASURED,
    computeInfer: durationOf(tally.inferred, tally.inferenceMs),
    computeOutput: NOT_MEASURED,
  };
}

const NOT_MEASURED: Duration = { count: 0, ns: 0 };

function durationOf(count: number, ms: number): Duration {
  return { count, ns: Math.round(ms * 1e6) };
}

/** Each version that is registered, and each endpoint that has another name than its model. */
async function repositoryOf(fleet: Fleet, registry: ModelRegistry): Promise<readonly RepositoryEntry[]> {
  const models = await registry.listModels();
  const names = new Set(models.map(({ name }) => name));
  const versions = models.flatMap(({ name, versions: all }) =>
    all.filter(({ archivedAt }) => archivedAt === null).map((version) => entryOf(fleet, name, version)),
  );
  const endpoints = fleet
    .endpoints()
    .filter(({ name }) => !names.has(name))
    .map(({ name, version, state, reason }) => ({
      name,
      version: version ?? '',
      state: ({ ready: 'READY', loading: 'LOADING', failed: 'UNAVAILABLE' } as const)[state],
      reason: reason ?? '',
    }));
  return [...versions, ...endpoints];
}

function entryOf(fleet: Fleet, name: string, version: ModelVersion): RepositoryEntry {
  const state = fleet.stateOf(version);
  const label = { name, version: versionLabel(version) };
  switch (state.is) {
    case 'ready':
      return { ...label, state: 'READY', reason: '' };
    case 'loading':
      return { ...label, state: 'LOADING', reason: '' };
    case 'absent':
      return { ...label, state: 'UNAVAILABLE', reason: 'not loaded' };
    case 'failed':
      return { ...label, state: 'UNAVAILABLE', reason: state.reason.title };
  }
}
