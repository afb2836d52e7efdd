import { Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import { expect, it } from 'vitest';
import type { InferenceService, InferResponse } from '../dialects/oip/protocol.ts';
import { serveInferStream } from './infer-stream.ts';
import { INFERENCE_PROTO } from './proto/inference-proto.ts';
import { parseSchema } from './proto/schema.ts';

const request = parseSchema('inference.proto', INFERENCE_PROTO).message('inference.ModelInferRequest');

it('that is to end takes no more requests, and ends when those that it took are answered', async () => {
  const waiting: (() => void)[] = [];
  const service = {
    async infer({ modelName }): Promise<InferResponse> {
      await new Promise<void>((resolve) => waiting.push(resolve));
      return { modelName, modelVersion: '1', id: undefined, parameters: {}, outputs: [] };
    },
  } as Partial<InferenceService> as InferenceService;
  let answers = 0;
  const call = new Duplex({
    objectMode: true,
    read: () => undefined,
    write(_answer, _encoding, taken) {
      answers++;
      taken();
    },
  });
  const finish = serveInferStream(call as unknown as ServerDuplexStream<Buffer, Buffer>, {
    service,
    caller: () => ({ traceId: '', routingKey: undefined, receivedAt: 0, dialect: 'oip-grpc' }),
    failure: String,
    check: () => undefined,
  });
  let ends = 0;
  call.push(request.encode({ model_name: 'm' }));
  await expect.poll(() => waiting.length).toBe(1);
  finish(() => ends++);
  call.push(request.encode({ model_name: 'm' }));
  for (let i = 0; i < 20; i++) await turn();
  expect([waiting.length, answers, ends]).toEqual([1, 0, 0]);
  waiting[0]?.();
  await expect.poll(() => ends).toBe(1);
  expect([waiting.length, answers]).toEqual([1, 1]);
});
