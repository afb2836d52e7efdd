import type { Clock } from '../../../kernel/clock.ts';
import { AppError, asAppError } from '../../../kernel/errors.ts';
import type { Logger } from '../../../kernel/logger.ts';
import { COLUMN_TYPES } from '../column-types.ts';
import type {
  DeclaredInput,
  DeclaredModel,
  ModelArtifact,
  Runtime,
  RuntimeHealth,
  RuntimeModel,
} from '../runtime.ts';
import { bindInputs } from '../tensors/bind-inputs.ts';
import { interpretOutputs, type OutputFacts } from '../tensors/interpret-outputs.ts';
import { TensorModel, type TensorModelParts } from '../tensors/tensor-model.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import { PeerClient } from './peer-client.ts';
import {
  describePeer,
  modelConfigSchema,
  modelMetadataSchema,
  type PeerModel,
  serverMetadataSchema,
} from './peer-description.ts';
import { PeerFault } from './peer-fault.ts';
import { PeerWatch } from './peer-watch.ts';
import { parseRemote, type RemotePlace, textOf } from './remote-file.ts';
import { LANES, RemoteSession } from './remote-session.ts';

export interface RemoteOptions {
  /** Milliseconds of a run, with everything that is tried again. */
  readonly timeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly retries: number;
  readonly breakerFailures: number;
  readonly breakerOpenMs: number;
  /** The only servers that a model may name, by their URLs; any where there is none. */
  readonly servers: readonly string[];
  /** Sent with each request, such as an authorization. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface RemoteDependencies {
  readonly clock: Clock;
  readonly logger: Logger;
}

const READY_EVERY_MS = 10_000;
const READY_TIMEOUT_MS = 5_000;

/** Models that another server of the Open Inference Protocol runs (Triton, KServe, MLServer, Slipway), over REST. */
export class RemoteRuntime implements Runtime {
  readonly #options: RemoteOptions;
  readonly #deps: RemoteDependencies;

  constructor(options: RemoteOptions, deps: RemoteDependencies) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Beside what every runtime refuses: REMOTE_FAILED, naming the URL, where the server does not say what the model is. */
  async load(artifact: ModelArtifact): Promise<RuntimeModel> {
    const content = artifact.files.get(artifact.entry);
    if (content === undefined)
      throw new AppError('MODEL_UNREADABLE', `The artifact has no file "${artifact.entry}"`);
    const place = parseRemote(content);
    requireKnown(place, this.#options.servers);
    const client = new PeerClient(place, {
      connectTimeoutMs: this.#options.connectTimeoutMs,
      // One more asks whether the model is ready while all others wait.
      connections: LANES + 1,
      headers: this.#options.headers,
    });
    try {
      const peer = await this.#describe(place, client, artifact.declared);
      return this.#open(artifact, { place, client, peer });
    } catch (error) {
      await client.close();
      throw error;
    }
  }

  async #describe(place: RemotePlace, client: PeerClient, declared: DeclaredModel): Promise<PeerModel> {
    const signal = AbortSignal.timeout(this.#options.timeoutMs);
    try {
      const server = await client.server(serverMetadataSchema, signal);
      const model = await client.model('', modelMetadataSchema, signal);
      const hasConfig = server.extensions?.includes('model_configuration') ?? false;
      const config = hasConfig ? await client.model('/config', modelConfigSchema, signal) : null;
      return describePeer(textOf(place), { server, model, config }, declared);
    } catch (error) {
      if (!(error instanceof PeerFault)) throw error;
      throw new AppError('REMOTE_FAILED', `${textOf(place)} ${error.reason}`, { cause: error });
    }
  }

  #open(
    { declared }: ModelArtifact,
    {
      place,
      client,
      peer,
    }: { readonly place: RemotePlace; readonly client: PeerClient; readonly peer: PeerModel },
  ): RuntimeModel {
    const { clock, logger } = this.#deps;
    const { timeoutMs, retries, breakerFailures, breakerOpenMs } = this.#options;
    const binding = bindInputs(peer.inputs, declared.inputs ?? columnsOf(peer), false);
    const task = declared.task ?? (peer.task === 'regression' ? peer.task : null);
    const plan = interpretOutputs(peer.outputs, factsOf(peer, task), { ...declared, task });
    const breaker = new CircuitBreaker({ failures: breakerFailures, openMs: breakerOpenMs }, clock);
    const watch = new PeerWatch({
      subject: `${textOf(place)} (${peer.server})`,
      breaker,
      clock,
      logger,
      ready: (signal) => client.ready(signal),
      timeoutMs: Math.min(timeoutMs, READY_TIMEOUT_MS),
      everyMs: READY_EVERY_MS,
      againMs: Math.min(breakerOpenMs, READY_EVERY_MS),
    });
    const session = new RemoteSession({
      place: textOf(place),
      peer,
      client,
      breaker,
      watch,
      clock,
      timeoutMs,
      retries,
    });
    return new RemoteModel(session, watch, {
      binding: { ...binding, maxRows: Math.min(binding.maxRows, peer.maxRows) },
      plan,
      declared: declared.inputs,
      failureOf: (error) => asAppError(error, 'REMOTE_FAILED'),
    });
  }
}

class RemoteModel extends TensorModel {
  readonly #watch: PeerWatch;

  constructor(session: RemoteSession, watch: PeerWatch, parts: TensorModelParts) {
    super(session, parts);
    this.#watch = watch;
  }

  health(): RuntimeHealth {
    return this.#watch.health();
  }
}

/** A model may come from a registry that others write to: it must not choose who is sent what is secret. */
function requireKnown({ url }: RemotePlace, servers: readonly string[]): void {
  const { origin } = new URL(url);
  if (servers.length === 0 || servers.some((server) => new URL(server).origin === origin)) return;
  throw new AppError('MODEL_UNSUPPORTED', `The model names ${origin}, which is not one of remote.servers`);
}

/** Scores of another server are taken as they are: nobody says of them that they are logits. */
function factsOf({ labels, task }: PeerModel, declared: string | null): OutputFacts {
  const isClassifier = task === 'classification' || declared === 'classification';
  return {
    labelsOf: () => labels,
    madeBy: (output) => (isClassifier || output === 'predict_proba' ? 'Softmax' : null),
    mapNameOf: () => null,
  };
}

/** The columns of a bare matrix, where the server names them. */
function columnsOf({ inputs, columns }: PeerModel): readonly DeclaredInput[] | null {
  const [matrix] = inputs;
  if (columns === null || matrix === undefined || matrix.shape[1] !== columns.length) return null;
  const type = Object.keys(COLUMN_TYPES).find((column) => COLUMN_TYPES[column] === matrix.type);
  if (type === undefined) return null;
  return columns.map((name) => ({ name, type, required: true, shape: null }));
}
