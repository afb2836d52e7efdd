import type {
  Caller,
  InferenceService,
  ModelConfig,
  ModelStatistics,
  TensorMetadata,
} from '../dialects/oip/protocol.ts';
import { AppError } from '../kernel/errors.ts';
import type { Circle } from './call.ts';
import { decodeInferRequest } from './codec/infer-request.ts';
import { encodeInferResponse } from './codec/infer-response.ts';
import type { Schema } from './proto/schema.ts';

/** One message in, one out. */
export interface UnaryMethod {
  readonly circle: Circle;
  answer(bytes: Buffer, caller: () => Caller): Promise<Buffer> | Buffer;
}

type Fields = Readonly<Record<string, unknown>>;

export const INFERENCE_SERVICE = 'inference.GRPCInferenceService';

/** The methods of GRPCInferenceService with one message each way, by name. */
export function inferenceMethods(
  service: InferenceService,
  schema: Schema,
): Readonly<Record<string, UnaryMethod>> {
  return {
    ServerLive: method('ServerLive', 'open', () => ({ live: service.live() })),
    ServerReady: method('ServerReady', 'open', () => ({ ready: service.ready() })),
    ServerMetadata: method('ServerMetadata', 'keyed', () => service.server()),
    ModelReady: method('ModelReady', 'keyed', async (asked) => ({
      ready: await service.modelReady(...modelOf(asked)),
    })),
    ModelMetadata: method('ModelMetadata', 'keyed', async (asked) => {
      const { name, versions, platform, inputs, outputs } = await service.model(...modelOf(asked));
      return { name, versions, platform, inputs: inputs.map(tensorOf), outputs: outputs.map(tensorOf) };
    }),
    ModelConfig: method('ModelConfig', 'keyed', async (asked) => ({
      config: configOf(await service.config(...modelOf(asked))),
    })),
    ModelStatistics: method('ModelStatistics', 'keyed', async (asked) => ({
      model_stats: (await service.statistics(...modelOf(asked))).map(statisticsOf),
    })),
    RepositoryIndex: method('RepositoryIndex', 'keyed', async (asked) => {
      if (asked['repository_name'] !== '') throw noRepository();
      return { models: await service.index(asked['ready'] === true) };
    }),
    RepositoryModelLoad: method('RepositoryModelLoad', 'changing', async (asked) => {
      refuseParameters(asked, []);
      const name = repositoryModelOf(asked);
      await service.load(name);
      return { model_name: name, is_loaded: true };
    }),
    RepositoryModelUnload: method('RepositoryModelUnload', 'changing', async (asked) => {
      refuseParameters(asked, ['unload_dependents']);
      const name = repositoryModelOf(asked);
      await service.unload(name);
      return { model_name: name, is_unloaded: true };
    }),
    ModelInfer: {
      circle: 'keyed',
      async answer(bytes, caller) {
        const { request, isRaw } = decodeInferRequest(bytes);
        return encodeInferResponse(await service.infer(request, caller()), isRaw);
      },
    },
  };

  function method(
    name: string,
    circle: Circle,
    answer: (asked: Fields) => object | Promise<object>,
  ): UnaryMethod {
    const request = schema.message(`inference.${name}Request`);
    const response = schema.message(`inference.${name}Response`);
    return {
      circle,
      async answer(bytes) {
        let asked: Fields;
        try {
          asked = request.decode(bytes);
        } catch (error) {
          throw new AppError('REQUEST_MALFORMED', `The message is no ${name}Request`, { cause: error });
        }
        return response.encode(await answer(asked));
      },
    };
  }
}

/** What Triton's clients may ask for and a server of this kind does not have, with what to do instead. */
export const ABSENT_METHODS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ['System', 'Cuda'].flatMap((kind) =>
      ['Status', 'Register', 'Unregister'].map((verb) => [
        `${kind}SharedMemory${verb}`,
        'Slipway shares no memory with its clients: send tensors in the message',
      ]),
    ),
  ),
  TraceSetting: 'Tracing is not set over this interface: send a traceparent, which the prediction log keeps',
  LogSettings: 'The log is set in slipway.yaml (logging.level)',
};

function modelOf(asked: Fields): [name: string, version: string] {
  return [String(asked['name']), String(asked['version'])];
}

/** KServe's messages have the name where Triton's have that of the repository. */
function repositoryModelOf(asked: Fields): string {
  const name = String(asked['model_name']);
  const repository = String(asked['repository_name']);
  if (name !== '' && repository !== '') throw noRepository();
  if (name === '' && repository === '')
    throw new AppError('REQUEST_INVALID', 'model_name says which model, and is missing');
  return name === '' ? repository : name;
}

function noRepository(): AppError {
  return new AppError(
    'REQUEST_INVALID',
    'There is one repository, which has no name: leave out repository_name',
  );
}

function refuseParameters(asked: Fields, known: readonly string[]): void {
  const unknown = Object.keys(asked['parameters'] as object).filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  throw new AppError('REQUEST_INVALID', 'A model is loaded as it is registered', {
    problems: unknown.map((name) => ({
      path: `parameters.${name.slice(0, 64)}`,
      message: 'is not supported',
    })),
  });
}

function tensorOf({ name, datatype, shape }: TensorMetadata): object {
  return { name, datatype, shape };
}

function configOf({ name, platform, maxBatchSize, inputs, outputs }: ModelConfig): object {
  const tensor = ({ name, datatype, dims, optional }: ModelConfig['inputs'][number]) => ({
    name,
    data_type: datatype === 'BYTES' ? 'TYPE_STRING' : `TYPE_${datatype}`,
    dims,
    optional,
  });
  return {
    name,
    platform,
    max_batch_size: maxBatchSize,
    input: inputs.map(tensor),
    output: outputs.map(tensor),
  };
}

function statisticsOf(statistics: ModelStatistics): object {
  const { name, version, lastInference, inferenceCount, executionCount } = statistics;
  const { success, fail, queue, computeInput, computeInfer, computeOutput } = statistics;
  return {
    name,
    version,
    last_inference: lastInference,
    inference_count: inferenceCount,
    execution_count: executionCount,
    inference_stats: {
      success,
      fail,
      queue,
      compute_input: computeInput,
      compute_infer: computeInfer,
      compute_output: computeOutput,
    },
  };
}
