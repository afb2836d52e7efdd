import { once } from 'node:events';
import { status } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import descriptors from 'protobufjs/ext/descriptor/index.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HEALTH_PROTO } from '../../src/grpc/proto/health-proto.ts';
import { INFERENCE_PROTO } from '../../src/grpc/proto/inference-proto.ts';
import { reflectionProto } from '../../src/grpc/proto/reflection-proto.ts';
import { GrpcClient } from '../support/grpc-client.ts';
import { buildSourceServers, fixture, type SourceServers } from '../support/source-server.ts';

/** A ServerReflectionResponse, as far as it is read here. */
interface Reflected {
  readonly list_services_response?: { readonly service: readonly { readonly name: string }[] };
  readonly file_descriptor_response?: { readonly file_descriptor_proto: readonly Buffer[] };
  readonly all_extension_numbers_response?: { readonly base_type_name: string };
  readonly error_response?: { readonly error_code: number; readonly error_message: string };
}
type Ask = (message: Record<string, unknown>) => Promise<Reflected>;

let servers: SourceServers;
let client: GrpcClient;

beforeAll(async () => {
  servers = await buildSourceServers();
  const server = await servers.start(
    { server: { port: 0 }, grpc: { enabled: true, port: 0 }, endpoints: { risk: { model: 'risk' } } },
    [{ location: fixture('xgboost-binary'), name: 'risk' }],
  );
  client = new GrpcClient(server.grpcAddress as string);
}, 60_000);

afterAll(async () => {
  client.close();
  await servers.stop();
});

async function withReflection(version: string, work: (ask: Ask) => Promise<void>): Promise<void> {
  const stream = client.stream(`grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`);
  await work(async (message) => {
    stream.write(message);
    const [answer] = (await once(stream, 'data')) as [Reflected];
    return answer;
  });
  stream.end();
  stream.resume();
  await once(stream, 'end');
}

async function descriptorOf(ask: Ask, question: Record<string, unknown>): Promise<Descriptor> {
  const { file_descriptor_response: found } = await ask(question);
  expect(found?.file_descriptor_proto).toHaveLength(1);
  const [bytes] = (found?.file_descriptor_proto ?? []) as [Buffer];
  return descriptors.FileDescriptorProto.decode(bytes) as unknown as Descriptor;
}

interface Nested {
  readonly name: string;
  readonly nestedType: readonly Nested[];
  readonly options?: { readonly mapEntry?: boolean };
}
interface Descriptor {
  readonly name: string;
  readonly syntax: string;
  readonly messageType: readonly Nested[];
}

/** All that a schema declares, a line each; a map is the message of its entries, as descriptors have it. */
function declared(namespace: protobuf.NamespaceBase): string[] {
  return namespace.nestedArray.flatMap((member) => {
    const lines = member instanceof protobuf.Namespace ? declared(member) : [];
    if (member instanceof protobuf.Type)
      lines.push(member.fullName, ...member.fieldsArray.flatMap(fieldLines));
    if (member instanceof protobuf.Enum)
      lines.push(`${member.fullName} ${JSON.stringify(Object.entries(member.values).sort())}`);
    if (member instanceof protobuf.Service)
      for (const method of member.methodsArray) {
        const { requestType, responseType, requestStream, responseStream } =
          method.resolve() as protobuf.Method;
        const streams = `${Boolean(requestStream)} ${Boolean(responseStream)}`;
        lines.push(`${method.fullName} ${bare(requestType)} ${bare(responseType)} ${streams}`);
      }
    return lines;
  });
}

const bare = (name: string): string => name.slice(name.lastIndexOf('.') + 1);

function fieldLines(field: protobuf.Field): string[] {
  const type = field.resolve().resolvedType?.fullName ?? field.type;
  const { parent, name, id, repeated, partOf } = field;
  if (!(field instanceof protobuf.MapField))
    return [`${field.fullName} ${id} ${type} ${repeated} ${partOf?.name}`];
  const entry = `${parent?.fullName}.${(name[0] as string).toUpperCase()}${name.slice(1)}Entry`;
  return [
    `${field.fullName} ${id} ${entry} true undefined`,
    entry,
    `${entry}.key 1 ${field.keyType} false undefined`,
    `${entry}.value 2 ${type} false undefined`,
  ];
}

function mapEntries(messages: readonly Nested[], within: string): string[] {
  return messages.flatMap(({ name, nestedType, options }) => [
    ...(options?.mapEntry === true ? [`${within}.${name}`] : []),
    ...mapEntries(nestedType, `${within}.${name}`),
  ]);
}

describe.each(['v1', 'v1alpha'])('reflection %s', (version) => {
  it('lists the services', () =>
    withReflection(version, async (ask) => {
      const { list_services_response } = await ask({ list_services: '*' });
      expect(list_services_response?.service.map(({ name }) => name)).toEqual([
        'inference.GRPCInferenceService',
        'grpc.health.v1.Health',
        'grpc.reflection.v1.ServerReflection',
        'grpc.reflection.v1alpha.ServerReflection',
      ]);
    }));

  it('has a file for each name that it declares', () =>
    withReflection(version, async (ask) => {
      for (const [symbol, file] of [
        ['inference.GRPCInferenceService', 'inference.proto'],
        ['inference.GRPCInferenceService.ModelInfer', 'inference.proto'],
        ['inference.ModelInferRequest.InferInputTensor', 'inference.proto'],
        ['inference.ModelInferRequest.ParametersEntry', 'inference.proto'],
        ['inference.ModelInferRequest.raw_input_contents', 'inference.proto'],
        ['inference.InferParameter.parameter_choice', 'inference.proto'],
        ['inference.DataType', 'inference.proto'],
        ['inference.TYPE_BF16', 'inference.proto'],
        ['grpc.health.v1.Health', 'grpc/health/v1/health.proto'],
        ['grpc.health.v1.HealthCheckResponse.SERVING', 'grpc/health/v1/health.proto'],
      ] as const) {
        const found = await ask({ file_containing_symbol: symbol });
        expect([symbol, found.error_response]).toEqual([symbol, undefined]);
        const [bytes] = (found.file_descriptor_response?.file_descriptor_proto ?? []) as [Buffer];
        expect(descriptors.FileDescriptorProto.decode(bytes)).toMatchObject({ name: file, syntax: 'proto3' });
      }
    }));

  it('says what it does not have, and that nothing extends anything', () =>
    withReflection(version, async (ask) => {
      for (const question of [
        { file_by_filename: 'x.proto' },
        { file_containing_symbol: 'inference.Nothing' },
        { all_extension_numbers_of_type: 'inference.Nothing' },
        {
          file_containing_extension: { containing_type: 'inference.ModelInferRequest', extension_number: 1 },
        },
      ])
        expect((await ask(question)).error_response?.error_code).toBe(status.NOT_FOUND);
      expect((await ask({})).error_response?.error_code).toBe(status.INVALID_ARGUMENT);
      const { all_extension_numbers_response } = await ask({
        all_extension_numbers_of_type: 'inference.ModelInferRequest',
      });
      expect(all_extension_numbers_response?.base_type_name).toBe('inference.ModelInferRequest');
    }));
});

describe('a descriptor', () => {
  it.each([
    ['inference.proto', INFERENCE_PROTO],
    ['grpc/health/v1/health.proto', HEALTH_PROTO],
    ['grpc/reflection/v1/reflection.proto', reflectionProto('v1')],
    ['grpc/reflection/v1alpha/reflection.proto', reflectionProto('v1alpha')],
  ])('of %s reads back as the schema', (name, text) =>
    withReflection('v1', async (ask) => {
      const file = await descriptorOf(ask, { file_by_filename: name });
      const Root = protobuf.Root as unknown as { fromDescriptor(set: object): protobuf.Root };
      const expected = declared(protobuf.parse(text, { keepCase: true }).root.resolveAll());
      expect(declared(Root.fromDescriptor({ file: [file] })).sort()).toEqual(expected.sort());
      const entries = expected.filter((line) => /Entry$/.test(line));
      const packageName = /package ([\w.]+);/.exec(text)?.[1];
      expect(mapEntries(file.messageType, `.${packageName}`).sort()).toEqual(entries);
    }),
  );
});
