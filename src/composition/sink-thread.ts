import { parentPort } from 'node:worker_threads';
import { serveSink } from '../datasets/thread-sink.ts';

/** The thread that writes the rows of `slipway transform apply`, away from the one that encodes them. */
if (parentPort !== null) serveSink(parentPort);
