import protobuf from 'protobufjs';
// Gives roots and messages their descriptors.
import 'protobufjs/ext/descriptor/index.js';

type Message = Readonly<Record<string, unknown>>;

/** One message as the .proto text has it. */
export interface MessageType {
  encode(message: object): Buffer;
  /** Fields that were not sent have their defaults. Throws when the bytes are no such message. */
  decode(bytes: Buffer): Message;
}

/** The messages of one .proto text, and what reflection says of it. */
export interface Schema {
  readonly fileName: string;
  /** A FileDescriptorProto. */
  readonly descriptor: Buffer;
  /** Full names of all that it declares: services and methods, messages and their parts, enums and their values. */
  readonly symbols: ReadonlySet<string>;
  readonly services: readonly string[];
  /** By the full name. */
  message(name: string): MessageType;
}

const DECODED = { longs: Number, enums: String, defaults: true, bytes: Buffer, oneofs: true } as const;

/**
 * For messages that are rare; those of an inference have a codec of their own. Each text has a root of its own, as two
 * of them declare the same names.
 */
export function parseSchema(fileName: string, text: string): Schema {
  const { root, package: packageName } = protobuf.parse(text, { keepCase: true });
  root.resolveAll();
  const file = describe(root, fileName, packageName as string);
  return {
    fileName,
    descriptor: Buffer.from(descriptorType().encode(file).finish()),
    symbols: new Set(symbolsIn(file)),
    services: file.service.map(({ name }) => `${packageName}.${name}`),
    message(name) {
      const type = root.lookupType(name);
      return {
        encode: (message) => Buffer.from(type.encode(type.fromObject(message)).finish()),
        decode: (bytes) => type.toObject(type.decode(bytes), DECODED),
      };
    },
  };
}

interface Named {
  name: string;
}
interface MessageDescriptor extends Named {
  readonly field: readonly (Named & { typeName?: string })[];
  readonly nestedType: readonly MessageDescriptor[];
  readonly enumType: readonly EnumDescriptor[];
  readonly oneofDecl: readonly Named[];
  readonly options?: { readonly mapEntry?: boolean } | null;
}
interface EnumDescriptor extends Named {
  readonly value: readonly Named[];
}
interface FileDescriptor extends Named {
  readonly package: string;
  readonly messageType: readonly MessageDescriptor[];
  readonly enumType: readonly EnumDescriptor[];
  readonly service: readonly (Named & { readonly method: readonly Named[] })[];
}

function describe(root: protobuf.Root, fileName: string, packageName: string): FileDescriptor {
  const describable = root as unknown as {
    toDescriptor(syntax: string): { readonly file: FileDescriptor[] };
  };
  const { file } = describable.toDescriptor('proto3');
  const ours = file.find((one) => one.package === packageName) as FileDescriptor;
  ours.name = fileName;
  ours.messageType.forEach(nameMapEntries);
  return ours;
}

function descriptorType(): { encode(message: object): protobuf.Writer } {
  return (protobuf as unknown as { descriptor: { FileDescriptorProto: protobuf.Type } }).descriptor
    .FileDescriptorProto;
}

/** protobufjs calls the message of a map's entry like its field, where descriptors demand `FieldEntry`. */
function nameMapEntries({ field, nestedType }: MessageDescriptor): void {
  for (const nested of nestedType) {
    nameMapEntries(nested);
    if (nested.options?.mapEntry !== true) continue;
    const name = `${nested.name}Entry`;
    for (const one of field) if (one.typeName === nested.name) one.typeName = name;
    nested.name = name;
  }
}

function symbolsIn({ package: within, messageType, enumType, service }: FileDescriptor): string[] {
  return [
    ...messageType.flatMap((message) => symbolsOfMessage(message, within)),
    ...enumType.flatMap((one) => symbolsOfEnum(one, within)),
    ...service.flatMap(({ name, method }) => [
      `${within}.${name}`,
      ...method.map((one) => `${within}.${name}.${one.name}`),
    ]),
  ];
}

function symbolsOfMessage(message: MessageDescriptor, within: string): string[] {
  const name = `${within}.${message.name}`;
  return [
    name,
    ...[...message.field, ...message.oneofDecl].map((one) => `${name}.${one.name}`),
    ...message.nestedType.flatMap((nested) => symbolsOfMessage(nested, name)),
    ...message.enumType.flatMap((nested) => symbolsOfEnum(nested, name)),
  ];
}

/** Values of an enum are siblings of it, as in C++. */
function symbolsOfEnum({ name, value }: EnumDescriptor, within: string): string[] {
  return [name, ...value.map((one) => one.name)].map((one) => `${within}.${one}`);
}
