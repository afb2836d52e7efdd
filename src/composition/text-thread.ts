import { parentPort } from 'node:worker_threads';
import { openTextEngine } from '../models/runtimes/text/open-text-engine.ts';
import { serveTextModel } from '../models/runtimes/text/serve-text-model.ts';

/** The thread of one text model, away from the one that answers. */
if (parentPort !== null) serveTextModel(parentPort, openTextEngine, () => process.exit(1));
