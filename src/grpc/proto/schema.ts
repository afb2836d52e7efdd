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
  /** Full names of all that it declares: services, methods, messages, fields and enums. */
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
  const symbols = new Set<string>();
  const services: string[] = [];
  collect(root);
  return {
    fileName,
    descriptor: describe(root, fileName, packageName as string),
    symbols,
    services,
    message(name) {
      const type = root.lookupType(name);
      return {
        encode: (message) => Buffer.from(type.encode(type.fromObject(message)).finish()),
        decode: (bytes) => type.toObject(type.decode(bytes), DECODED),
      };
    },
  };

  function collect(namespace: protobuf.NamespaceBase): void {
    for (const member of namespace.nestedArray) {
      const name = member.fullName.slice(1);
      if (member instanceof protobuf.Type || member instanceof protobuf.Enum) symbols.add(name);
      if (member instanceof protobuf.Type)
        for (const field of member.fieldsArray) symbols.add(`${name}.${field.name}`);
      if (member instanceof protobuf.Service) {
        symbols.add(name);
        services.push(name);
        for (const method of member.methodsArray) symbols.add(`${name}.${method.name}`);
      }
      if (member instanceof protobuf.Namespace) collect(member);
    }
  }
}

interface MessageDescriptor {
  name?: string;
  readonly field: readonly { typeName?: string }[];
  readonly nestedType: readonly MessageDescriptor[];
  readonly options?: { readonly mapEntry?: boolean } | null;
}
interface DescriptorSet {
  readonly file: { name?: string; package?: string; readonly messageType: readonly MessageDescriptor[] }[];
}
interface Describable {
  toDescriptor(syntax: string): DescriptorSet;
}
interface Encoder {
  encode(message: object): protobuf.Writer;
}

function describe(root: protobuf.Root, fileName: string, packageName: string): Buffer {
  const { file } = (root as unknown as Describable).toDescriptor('proto3');
  const ours = file.find((one) => one.package === packageName) as DescriptorSet['file'][number];
  ours.name = fileName;
  ours.messageType.forEach(nameMapEntries);
  const { FileDescriptorProto } = (protobuf as unknown as { descriptor: { FileDescriptorProto: Encoder } })
    .descriptor;
  return Buffer.from(FileDescriptorProto.encode(ours).finish());
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
