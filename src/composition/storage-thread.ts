import { readlinkSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../kernel/errors.ts';
import type { LogFields, Logger } from '../kernel/logger.ts';
import { openStore, type Store } from '../storage/open-store.ts';
import { KyselyIngestStore } from '../storage/predictions/kysely-ingest-store.ts';
import { Ingester } from '../watching/ingestion/ingester.ts';
import { Pace } from '../watching/ingestion/pace.ts';
import { expireSegments } from '../watching/ingestion/segment-expiry.ts';
import type { FromStorageThread, StorageThreadData, ToStorageThread } from './storage-messages.ts';

/** The thread that writes to the store: ingestion and the expiry of segments, away from the thread that answers. */
const EXPIRY_EVERY_MS = 60_000;
const OPEN_RETRY_MS = 1_000;
const data = workerData as StorageThreadData;
const stop = new AbortController();
const pace = new Pace();

function post(message: FromStorageThread): void {
  parentPort?.postMessage(message);
}

function forward(level: 'info' | 'warn' | 'error' | 'debug') {
  return (message: string, { error, ...fields }: LogFields = {}): void => {
    post({ type: 'log', level, message, error: error === undefined ? undefined : messageOf(error), fields });
  };
}

const logger: Logger = {
  info: forward('info'),
  warn: forward('warn'),
  error: forward('error'),
  debug: forward('debug'),
};

/** Cores that are short belong to the threads that answer. Linux gives each thread its own priority. */
function stepBack(): void {
  if (process.platform !== 'linux') return;
  try {
    setPriority(Number(path.basename(readlinkSync('/proc/thread-self'))), constants.priority.PRIORITY_LOW);
  } catch (error) {
    logger.debug('The storage thread keeps its priority', { error });
  }
}

async function openWhenReachable(): Promise<Store | null> {
  for (let failed = false; !stop.signal.aborted; failed = true) {
    try {
      return await openStore({ url: data.storeUrl }, logger);
    } catch (error) {
      if (!failed)
        logger.warn('The store cannot be reached; records stay in the log until it can', { error });
      await sleep(OPEN_RETRY_MS, undefined, { signal: stop.signal }).catch(() => undefined);
    }
  }
  return null;
}

async function expireForever(store: KyselyIngestStore): Promise<void> {
  while (!stop.signal.aborted) {
    try {
      const expired = await expireSegments({ directory: data.directory, store }, data.retention);
      if (expired.length > 0) post({ type: 'expired', count: expired.length });
    } catch (error) {
      logger.warn('Old segments of the prediction log could not be deleted', { error });
    }
    await sleep(EXPIRY_EVERY_MS, undefined, { signal: stop.signal }).catch(() => undefined);
  }
}

async function main(): Promise<void> {
  stepBack();
  const deadline = new Promise<number>((resolve) => {
    parentPort?.on('message', (message: ToStorageThread) => {
      if (message.type === 'pressure') pace.isPressed = message.isPressed;
      else {
        pace.isPressed = false;
        stop.abort();
        resolve(message.deadlineMs);
      }
    });
  });
  const opened = await openWhenReachable();
  if (opened === null) {
    post({ type: 'drained', lagBytes: -1 });
    return;
  }
  const store = new KyselyIngestStore(opened.database);
  const ingester = new Ingester({
    directory: data.directory,
    store,
    logger,
    pace,
    observer: {
      lines: (count) => post({ type: 'lines', count }),
      tornLines: (count) => post({ type: 'torn', count }),
      lag: (bytes) => post({ type: 'lag', bytes }),
    },
  });
  await Promise.all([ingester.run(stop.signal), expireForever(store)]);
  const { lagBytes } = await ingester.drain(await deadline);
  await opened.close();
  post({ type: 'drained', lagBytes });
}

void main().finally(() => parentPort?.unref());
