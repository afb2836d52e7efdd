import { connect, type IncomingHttpHeaders } from 'node:http2';
import { gzipSync } from 'node:zlib';
import {
  type CallOptions,
  ChannelCredentials,
  Client,
  type ClientDuplexStream,
  type ClientOptions,
  type ClientReadableStream,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import { HEALTH_PROTO } from '../../src/grpc/proto/health-proto.ts';
import { INFERENCE_PROTO } from '../../src/grpc/proto/inference-proto.ts';
import { reflectionProto } from '../../src/grpc/proto/reflection-proto.ts';

type Message = { readonly [name: string]: unknown };

const roots = [INFERENCE_PROTO, HEALTH_PROTO, reflectionProto('v1'), reflectionProto('v1alpha')].map((text) =>
  protobuf.parse(text, { keepCase: true }).root.resolveAll(),
);

function lookupService(name: string): protobuf.Service {
  for (const root of roots) {
    const found = root.lookup(name);
    if (found instanceof protobuf.Service) return found;
  }
  throw new Error(`no service ${name}`);
}

interface Coding {
  readonly path: string;
  readonly serialize: (message: Message) => Buffer;
  readonly deserialize: (bytes: Buffer) => Message;
}

function codingOf(name: string): Coding {
  const [serviceName, methodName] = name.split('/') as [string, string];
  const method = lookupService(serviceName).methods[methodName]?.resolve() as protobuf.Method;
  const request = method.resolvedRequestType as protobuf.Type;
  const response = method.resolvedResponseType as protobuf.Type;
  return {
    path: `/${name}`,
    serialize: (message) => Buffer.from(request.encode(request.fromObject(message)).finish()),
    deserialize: (bytes) =>
      response.toObject(response.decode(bytes), {
        longs: Number,
        enums: String,
        defaults: true,
        oneofs: false,
      }),
  };
}

export const INFERENCE = 'inference.GRPCInferenceService';

/** A client over grpc-js whose messages protobufjs writes and reads. */
export class GrpcClient {
  readonly #client: Client;

  constructor(
    address: string,
    credentials = ChannelCredentials.createInsecure(),
    options: ClientOptions = {},
  ) {
    this.#client = new Client(address, credentials, { 'grpc.use_local_subchannel_pool': 1, ...options });
  }

  /** `name` is the method of the inference service, or of another: `package.Service/Method`. */
  call(
    name: string,
    message: Message,
    headers: Record<string, string> = {},
    options: CallOptions = {},
  ): Promise<Message> {
    const { path, serialize, deserialize } = codingOf(fullName(name));
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        path,
        serialize,
        deserialize,
        message,
        metadataOf(headers),
        options,
        (error, answer) => (error === null ? resolve(answer as Message) : reject(error)),
      );
    });
  }

  /** A call with bytes that may be no message. */
  bytes(name: string, bytes: Buffer): Promise<Buffer> {
    const asItIs = (same: Buffer): Buffer => same;
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        `/${fullName(name)}`,
        asItIs,
        asItIs,
        bytes,
        new Metadata(),
        (error, answer) => (error === null ? resolve(answer as Buffer) : reject(error)),
      );
    });
  }

  stream(name: string, headers: Record<string, string> = {}): ClientDuplexStream<Message, Message> {
    const { path, serialize, deserialize } = codingOf(fullName(name));
    return this.#client.makeBidiStreamRequest(path, serialize, deserialize, metadataOf(headers));
  }

  watch(name: string, message: Message): ClientReadableStream<Message> {
    const { path, serialize, deserialize } = codingOf(fullName(name));
    return this.#client.makeServerStreamRequest(path, serialize, deserialize, message);
  }

  close(): void {
    this.#client.close();
  }
}

function fullName(name: string): string {
  return name.includes('/') ? name : `${INFERENCE}/${name}`;
}

function metadataOf(headers: Record<string, string>): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return metadata;
}

/** A ModelInfer without a client that would watch over it; its trailers. `grpc-encoding: gzip` compresses the message. */
export async function rawCall(
  address: string,
  message: Message,
  headers: Record<string, string>,
): Promise<IncomingHttpHeaders> {
  const { path, serialize } = codingOf(fullName('ModelInfer'));
  const isCompressed = headers['grpc-encoding'] === 'gzip';
  const content = isCompressed ? gzipSync(serialize(message)) : serialize(message);
  const head = Buffer.alloc(5);
  head.writeUInt8(Number(isCompressed));
  head.writeUInt32BE(content.length, 1);
  const session = connect(`http://${address}`);
  try {
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    });
    const answered = new Promise<IncomingHttpHeaders>((resolve, reject) => {
      stream.once('trailers', resolve);
      stream.once('response', (start) => start['grpc-status'] !== undefined && resolve(start));
      stream.once('error', reject);
    });
    stream.resume();
    stream.end(Buffer.concat([head, content]));
    return await answered;
  } finally {
    session.close();
  }
}

/** What a call fails with; fails itself when the call succeeds. */
export async function failureOf(call: Promise<unknown>): Promise<ServiceError> {
  try {
    await call;
  } catch (error) {
    return error as ServiceError;
  }
  throw new Error('the call succeeded');
}
