import { parentPort } from 'node:worker_threads';
import { openNativeSession } from '../models/runtimes/onnx/native-session.ts';
import { serveSessions } from '../models/runtimes/onnx/serve-sessions.ts';

/** The thread that runs large batches, away from the thread that answers. */
if (parentPort !== null) serveSessions(parentPort, openNativeSession);
