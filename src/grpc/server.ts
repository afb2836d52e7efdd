import { readFileSync } from 'node:fs';
import {
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerWritableStream,
  type ServiceDefinition,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { createAccess } from '../access/access.ts';
import type { Caller, InferenceService } from '../dialects/oip/protocol.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError, messageOf } from '../kernel/errors.ts';
import { MAX_CALLER_ID_LENGTH } from '../kernel/ids.ts';
import type { Logger } from '../kernel/logger.ts';
import { type AnyCall, admit, failureOf, firstOf, refuseWhenLate, requestIdOf } from './call.ts';
import { createConnections } from './connections.ts';
import { createHealth, HEALTH_SERVICE } from './health.ts';
import { serveInferStream } from './infer-stream.ts';
import {
  ABSENT_METHODS,
  INFERENCE_SERVICE,
  inferenceMethods,
  type UnaryMethod,
} from './inference-methods.ts';
import { HEALTH_PROTO } from './proto/health-proto.ts';
import { INFERENCE_PROTO } from './proto/inference-proto.ts';
import { reflectionProto } from './proto/reflection-proto.ts';
import { parseSchema } from './proto/schema.ts';
import { serveReflection } from './reflection.ts';

export interface GrpcOptions {
  readonly bodyLimitBytes: number;
  /** How long a connection takes new calls; then its client is told to open another. */
  readonly maxConnectionAgeMs: number;
  /** How long calls of such a connection may still take. */
  readonly graceMs: number;
  readonly tls:
    | { readonly certFile: string; readonly keyFile: string; readonly caFile: string | undefined }
    | undefined;
  readonly apiKey: string | undefined;
}

interface GrpcDependencies {
  readonly service: InferenceService;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface GrpcListener {
  /** Starts listening; answers with the port. */
  listen(host: string, port: number): Promise<number>;
  /** Takes no new calls, answers those under way, and closes when none is left or the time is over. */
  drain(graceMs: number): Promise<void>;
}

const MAX_STREAMS = 1_000;
const KEEPALIVE_MS = 60_000;
const KEEPALIVE_TIMEOUT_MS = 20_000;
/** grpc-js spreads the age of connections by a tenth, so that not all end at once. */
const MOST_JITTER = 1.1;
const LINGER_MS = 5_000;
const asItIs = (bytes: Buffer): Buffer => bytes;

type Shape = 'unary' | 'server' | 'both';

/** The Open Inference Protocol, health and reflection over gRPC. */
export function createGrpcListener(options: GrpcOptions, deps: GrpcDependencies): GrpcListener {
  const { service, clock, logger } = deps;
  const access = createAccess(options.apiKey);
  const inference = parseSchema('inference.proto', INFERENCE_PROTO);
  const healthSchema = parseSchema('grpc/health/v1/health.proto', HEALTH_PROTO);
  const reflections = (['v1', 'v1alpha'] as const).map((version) =>
    parseSchema(`grpc/reflection/${version}/reflection.proto`, reflectionProto(version)),
  );
  const schemas = [inference, healthSchema, ...reflections];
  let draining = false;
  const health = createHealth(healthSchema, () => !draining && service.ready());
  /** What ends each open stream; they would hold the drain to its end. */
  const streams = new Map<object, () => void>();
  const server = new Server({
    'grpc.max_receive_message_length': options.bodyLimitBytes,
    'grpc.max_send_message_length': -1,
    'grpc.max_concurrent_streams': MAX_STREAMS,
    'grpc.max_connection_age_ms': options.maxConnectionAgeMs,
    'grpc.max_connection_age_grace_ms': options.graceMs,
    'grpc.keepalive_time_ms': KEEPALIVE_MS,
    'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
    'grpc.enable_channelz': 0,
  });

  const unary = ({ circle, answer }: UnaryMethod): handleUnaryCall<Buffer, Buffer> => {
    const isChecked = circle === 'changing' || (circle === 'keyed' && options.apiKey !== undefined);
    return (call, done) => {
      const requestId = requestIdOf(call);
      const run = async (): Promise<void> => {
        try {
          if (isChecked) admit(call, circle, access);
          refuseWhenLate(call, clock.now());
          const bytes = await answer(call.request, () => callerOf(call, requestId));
          done(null, bytes);
        } catch (thrown) {
          done(failureOf(thrown, call, requestId, logger));
        }
      };
      void run();
    };
  };

  function callerOf(call: AnyCall, traceId: string): Caller {
    return {
      traceId,
      routingKey: firstOf(call.metadata, 'x-routing-key')?.slice(0, MAX_CALLER_ID_LENGTH),
      correlationId: firstOf(call.metadata, 'x-correlation-id')?.slice(0, MAX_CALLER_ID_LENGTH),
      receivedAt: clock.elapsed(),
      dialect: 'oip-grpc',
    };
  }

  function streamInfer(call: ServerDuplexStream<Buffer, Buffer>): void {
    const requestId = requestIdOf(call);
    const fail = (thrown: unknown) => call.emit('error', failureOf(thrown, call, requestId, logger));
    try {
      admit(call, 'keyed', access);
    } catch (thrown) {
      fail(thrown);
      return;
    }
    const finish = serveInferStream(call, {
      service,
      caller: () => callerOf(call, requestId),
      failure: (thrown) => failureOf(thrown, call, requestId, logger).details as string,
      check: () => refuseWhenLate(call, clock.now()),
    });
    untilDrained(call, () => finish(() => fail(shuttingDown())));
  }

  function watch(call: ServerWritableStream<Buffer, Buffer>): void {
    const fail = (thrown: unknown) => call.emit('error', failureOf(thrown, call, requestIdOf(call), logger));
    try {
      health.watch(call);
    } catch (thrown) {
      fail(thrown);
      return;
    }
    untilDrained(call, () => fail(shuttingDown()));
  }

  /** `end` is called when the server drains while the stream is open. */
  function untilDrained(
    call: ServerWritableStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>,
    end: () => void,
  ): void {
    if (draining) {
      end();
      return;
    }
    streams.set(call, end);
    call.once('close', () => streams.delete(call));
    call.once('cancelled', () => streams.delete(call));
  }

  const methods = inferenceMethods(service, inference);
  add(INFERENCE_SERVICE, {
    ...mapValues(methods, (method) => ['unary', unary(method)] as const),
    ...mapValues(ABSENT_METHODS, (details) => ['unary', absent(details)] as const),
    ModelStreamInfer: ['both', streamInfer],
  });
  add(HEALTH_SERVICE, { Check: ['unary', unary(health.check)], Watch: ['server', watch] });
  for (const own of reflections) {
    const [name] = own.services as [string];
    const packageName = name.slice(0, name.lastIndexOf('.'));
    const reflect = (call: ServerDuplexStream<Buffer, Buffer>) => {
      serveReflection(call, packageName, own, schemas);
      untilDrained(call, () => call.end());
    };
    add(name, { ServerReflectionInfo: ['both', reflect] });
  }

  function add(name: string, handlers: Readonly<Record<string, readonly [Shape, unknown]>>): void {
    const definition: Record<string, object> = {};
    const implementation: Record<string, unknown> = {};
    for (const [method, [shape, handler]] of Object.entries(handlers)) {
      definition[method] = {
        path: `/${name}/${method}`,
        requestStream: shape === 'both',
        responseStream: shape !== 'unary',
        requestSerialize: asItIs,
        requestDeserialize: asItIs,
        responseSerialize: asItIs,
        responseDeserialize: asItIs,
      };
      implementation[method] = handler;
    }
    server.addService(definition as ServiceDefinition, implementation as UntypedServiceImplementation);
  }

  const injector = server.createConnectionInjector(credentialsOf(options.tls));
  const connections = createConnections(
    (socket) => injector.injectConnection(socket),
    options.maxConnectionAgeMs * MOST_JITTER + options.graceMs + LINGER_MS,
  );

  return {
    listen: connections.listen,
    async drain(graceMs) {
      draining = true;
      health.look();
      for (const end of streams.values()) end();
      connections.stopAccepting();
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, graceMs);
      });
      const closed = new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
      await Promise.race([closed, late]);
      clearTimeout(timer);
      server.forceShutdown();
      connections.cutOff();
    },
  };
}

function shuttingDown(): AppError {
  return new AppError('SHUTTING_DOWN', 'The server is shutting down: open the stream again', {
    retryAfterSeconds: 1,
  });
}

function absent(details: string): handleUnaryCall<Buffer, Buffer> {
  return (_call, done) => done({ code: status.UNIMPLEMENTED, details });
}

function mapValues<From, To>(
  record: Readonly<Record<string, From>>,
  map: (value: From) => To,
): Readonly<Record<string, To>> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}

function credentialsOf(tls: GrpcOptions['tls']): ServerCredentials {
  if (tls === undefined) return ServerCredentials.createInsecure();
  try {
    const pair = { cert_chain: readFileSync(tls.certFile), private_key: readFileSync(tls.keyFile) };
    const authority = tls.caFile === undefined ? null : readFileSync(tls.caFile);
    return ServerCredentials.createSsl(authority, [pair], authority !== null);
  } catch (error) {
    throw new AppError('CONFIG_INVALID', `server.tls: ${messageOf(error)}`, { cause: error });
  }
}
