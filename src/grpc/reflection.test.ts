import { Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import { expect, it } from 'vitest';
import { reflectionProto } from './proto/reflection-proto.ts';
import { parseSchema } from './proto/schema.ts';
import { serveReflection } from './reflection.ts';

it('answers a client that reads nothing no further than it must', async () => {
  const schema = parseSchema('reflection.proto', reflectionProto('v1'));
  const held: (() => void)[] = [];
  const call = new Duplex({
    objectMode: true,
    highWaterMark: 4,
    read: () => undefined,
    write: (_answer, _encoding, taken) => held.push(taken),
  });
  const packageName = 'grpc.reflection.v1';
  serveReflection(call as unknown as ServerDuplexStream<Buffer, Buffer>, packageName, schema, [schema]);
  const question = schema
    .message(`${packageName}.ServerReflectionRequest`)
    .encode({ file_by_filename: 'reflection.proto' });
  for (let i = 0; i < 200; i++) call.push(question);
  for (let i = 0; i < 20; i++) await turn();
  expect(call.writableLength).toBeLessThanOrEqual(4);
  let taken = 0;
  while (held.length > 0) {
    taken += held.length;
    for (const take of held.splice(0)) take();
    for (let i = 0; i < 5; i++) await turn();
  }
  expect(taken).toBe(200);
});
