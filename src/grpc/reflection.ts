import { type ServerDuplexStream, status } from '@grpc/grpc-js';
import type { Schema } from './proto/schema.ts';

/** One version of the reflection protocol over all schemas, its own included. */
export function serveReflection(
  call: ServerDuplexStream<Buffer, Buffer>,
  packageName: string,
  own: Schema,
  schemas: readonly Schema[],
): void {
  const request = own.message(`${packageName}.ServerReflectionRequest`);
  const response = own.message(`${packageName}.ServerReflectionResponse`);

  call.on('data', (bytes: Buffer) => {
    try {
      // A file is hundreds of times as large as the question for it.
      if (call.write(response.encode(answer(request.decode(bytes))))) return;
      call.pause();
      call.once('drain', () => call.resume());
    } catch {
      call.emit('error', {
        code: status.INVALID_ARGUMENT,
        details: 'The message is no ServerReflectionRequest',
      });
    }
  });
  call.on('end', () => call.end());

  function answer(asked: Readonly<Record<string, unknown>>): object {
    const { host, message_request: kind } = asked as { host: string; message_request?: string };
    const echoed = { valid_host: host, original_request: asked };
    const value = kind === undefined ? '' : String(asked[kind]);
    switch (kind) {
      case 'list_services': {
        const service = schemas.flatMap(({ services }) => services.map((name) => ({ name })));
        return { ...echoed, list_services_response: { service } };
      }
      case 'file_by_filename':
        return { ...echoed, ...fileOf(schemas.find(({ fileName }) => fileName === value)) };
      case 'file_containing_symbol':
        return { ...echoed, ...fileOf(schemas.find(({ symbols }) => symbols.has(value))) };
      case 'all_extension_numbers_of_type':
        return schemas.some(({ symbols }) => symbols.has(value))
          ? { ...echoed, all_extension_numbers_response: { base_type_name: value } }
          : { ...echoed, ...fileOf(undefined) };
      case 'file_containing_extension':
        return { ...echoed, ...fileOf(undefined) };
      default:
        return { ...echoed, ...errorOf(status.INVALID_ARGUMENT, 'The request asks for nothing') };
    }
  }
}

function fileOf(schema: Schema | undefined): object {
  if (schema === undefined) return errorOf(status.NOT_FOUND, 'There is nothing of that name');
  return { file_descriptor_response: { file_descriptor_proto: [schema.descriptor] } };
}

function errorOf(code: status, message: string): object {
  return { error_response: { error_code: code, error_message: message } };
}
