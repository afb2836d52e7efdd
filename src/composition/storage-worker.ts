import { Worker } from 'node:worker_threads';
import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import type { Meter } from '../kernel/meter.ts';
import type { FromStorageThread, StorageThreadData, ToStorageThread } from './storage-messages.ts';

export interface StorageWorker {
  /** A sentence when records have not moved into the store for a while; null when all is well. */
  problem(): string | null;
  /** Ingests to the end of the log, within the time, and ends the thread. Answers with the bytes left behind. */
  drain(deadlineMs: number): Promise<number>;
}

const STUCK_AFTER_MS = 30_000;
const RESTART_MS = 5_000;
/** A small young generation: the thread's work is short-lived, and the default lets garbage grow to 50 MB. */
const MEMORY = { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 512 };

const PRESSURE_EVERY_MS = 100;
/** Share of its time that the event loop works; above it, a core that is short would cost answers. */
const PRESSED = 0.5;

/** Tells whenever this thread begins or ends to have more to do than it can. */
function watchPressure(onChange: (isPressed: boolean) => void): NodeJS.Timeout {
  let before = performance.eventLoopUtilization();
  let wasPressed = false;
  return setInterval(() => {
    const now = performance.eventLoopUtilization();
    const isPressed = performance.eventLoopUtilization(now, before).utilization > PRESSED;
    before = now;
    if (isPressed !== wasPressed) onChange(isPressed);
    wasPressed = isPressed;
  }, PRESSURE_EVERY_MS).unref();
}

/** Starts the storage thread and keeps it running; a thread that dies is started again and loses nothing. */
export function startStorageWorker(
  script: URL,
  data: StorageThreadData,
  { clock, logger, meter }: { readonly clock: Clock; readonly logger: Logger; readonly meter: Meter },
): StorageWorker {
  const lag = meter
    .gauge({
      name: 'slipway_log_lag_bytes',
      help: 'Bytes of the prediction log that are not in the store yet',
      labels: [],
    })
    .with({});
  const lagSeconds = meter
    .gauge({
      name: 'slipway_log_lag_seconds',
      help: 'How long the store has been behind the prediction log',
      labels: [],
    })
    .with({});
  const ingested = meter
    .counter({
      name: 'slipway_ingested_lines_total',
      help: 'Lines of the prediction log that were ingested',
      labels: [],
    })
    .with({});
  const torn = meter
    .counter({
      name: 'slipway_torn_lines_total',
      help: 'Lines of the prediction log that could not be read',
      labels: [],
    })
    .with({});
  let behindSince: number | null = null;
  let lagBytes = 0;
  let draining = false;
  let restart: NodeJS.Timeout | undefined;
  let onDrained: (bytes: number) => void = () => undefined;
  let worker = start();
  const watch = watchPressure((isPressed) => send({ type: 'pressure', isPressed }));

  function send(message: ToStorageThread): void {
    worker.postMessage(message);
  }

  function start(): Worker {
    const thread = new Worker(script, { workerData: data, resourceLimits: MEMORY });
    thread.on('message', (message: FromStorageThread) => receive(message));
    thread.on('error', (error) => logger.error('The storage thread failed', { error }));
    thread.on('exit', () => {
      if (draining) onDrained(lagBytes);
      else restart = setTimeout(() => (worker = start()), RESTART_MS).unref();
    });
    return thread;
  }

  function receive(message: FromStorageThread): void {
    if (message.type === 'log')
      logger[message.level](message.message, {
        ...message.fields,
        ...(message.error && { error: new Error(message.error) }),
      });
    else if (message.type === 'lines') {
      ingested.add(message.count);
      behindSince = null;
    } else if (message.type === 'torn') torn.add(message.count);
    else if (message.type === 'expired')
      logger.info(`${message.count} old segments of the prediction log were deleted`);
    else if (message.type === 'drained') onDrained(message.lagBytes);
    else {
      lagBytes = message.bytes;
      behindSince = lagBytes === 0 ? null : (behindSince ?? clock.elapsed());
      lag.set(lagBytes);
      lagSeconds.set(behindSince === null ? 0 : (clock.elapsed() - behindSince) / 1000);
    }
  }

  return {
    problem() {
      if (behindSince === null || clock.elapsed() - behindSince < STUCK_AFTER_MS) return null;
      return `the store is ${lagBytes} bytes behind the prediction log and does not move`;
    },
    async drain(deadlineMs) {
      draining = true;
      clearTimeout(restart);
      clearInterval(watch);
      const drained = new Promise<number>((resolve) => {
        onDrained = resolve;
      });
      send({ type: 'drain', deadlineMs });
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<number>((resolve) => {
        timer = setTimeout(() => resolve(lagBytes), deadlineMs + 1_000);
      });
      const left = await Promise.race([drained, late]);
      clearTimeout(timer);
      await worker.terminate();
      return left;
    },
  };
}
