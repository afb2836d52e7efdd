import type { ServerWritableStream } from '@grpc/grpc-js';
import { AppError } from '../kernel/errors.ts';
import { INFERENCE_SERVICE, type UnaryMethod } from './inference-methods.ts';
import type { Schema } from './proto/schema.ts';

export const HEALTH_SERVICE = 'grpc.health.v1.Health';

/** How often the state is looked at while somebody watches. */
const LOOK_MS = 250;

export interface Health {
  readonly check: UnaryMethod;
  watch(call: ServerWritableStream<Buffer, Buffer>): void;
  /** Tells everybody who watches what is the case now. */
  look(): void;
}

interface Watcher {
  readonly service: string;
  last: string;
}

/** Health of the whole (`''`) and of the one service there is: whether every required endpoint can answer. */
export function createHealth(schema: Schema, ready: () => boolean): Health {
  const request = schema.message('grpc.health.v1.HealthCheckRequest');
  const response = schema.message('grpc.health.v1.HealthCheckResponse');
  const watchers = new Map<ServerWritableStream<Buffer, Buffer>, Watcher>();
  let timer: NodeJS.Timeout | undefined;

  function statusOf(service: string): string {
    if (service !== '' && service !== INFERENCE_SERVICE) return 'SERVICE_UNKNOWN';
    return ready() ? 'SERVING' : 'NOT_SERVING';
  }

  function serviceOf(bytes: Buffer): string {
    try {
      return String(request.decode(bytes)['service']);
    } catch (error) {
      throw new AppError('REQUEST_MALFORMED', 'The message is no HealthCheckRequest', { cause: error });
    }
  }

  function look(): void {
    for (const [call, watcher] of watchers) {
      const status = statusOf(watcher.service);
      if (status === watcher.last) continue;
      watcher.last = status;
      call.write(response.encode({ status }));
    }
  }

  return {
    look,
    check: {
      circle: 'open',
      answer(bytes) {
        const service = serviceOf(bytes);
        const status = statusOf(service);
        if (status === 'SERVICE_UNKNOWN')
          throw new AppError('ROUTE_NOT_FOUND', `There is no service ${service.slice(0, 64)}`);
        return response.encode({ status });
      },
    },
    watch(call) {
      watchers.set(call, { service: serviceOf(call.request), last: '' });
      look();
      timer ??= setInterval(look, LOOK_MS).unref();
      call.once('close', () => {
        watchers.delete(call);
        if (watchers.size > 0) return;
        clearInterval(timer);
        timer = undefined;
      });
    },
  };
}
