import type { MessagePort } from 'node:worker_threads';
import { messageOf } from '../../../kernel/errors.ts';
import type { OutputTensor } from '../tensors/decode-outputs.ts';
import type { OnnxSession, OpenSession } from './session.ts';
import { buffersOf, type FromSessionThread, type ToSessionThread } from './thread-messages.ts';

/** The side of `ThreadSessions` that runs: opens sessions on the calling thread and answers for them. */
export function serveSessions(port: MessagePort, open: OpenSession): void {
  const sessions = new Map<number, OnnxSession>();

  async function answer(message: ToSessionThread): Promise<FromSessionThread | null> {
    if (message.type === 'release') {
      await sessions.get(message.session)?.release();
      sessions.delete(message.session);
      return null;
    }
    if (message.type === 'open') {
      const session = await open(message.source);
      sessions.set(message.session, session);
      return { type: 'opened', call: message.call, inputs: session.inputs, outputs: session.outputs };
    }
    const session = sessions.get(message.session);
    if (session === undefined) throw new Error('the session was released');
    const outputs = await session.run(message.feeds, message.fetches);
    return { type: 'ran', call: message.call, outputs: plainTensors(outputs) };
  }

  port.on('message', (message: ToSessionThread) => {
    answer(message).then(
      (reply) => {
        if (reply !== null) port.postMessage(reply, reply.type === 'ran' ? buffersOf(reply.outputs) : []);
      },
      (error: unknown) => {
        if (message.type === 'release') return;
        const failed: FromSessionThread = { type: 'failed', call: message.call, message: messageOf(error) };
        port.postMessage(failed);
      },
    );
  });
}

/**
 * Tensors are objects with accessors, which do not travel. What lies in memory of onnxruntime is copied: such a buffer
 * cannot be handed over.
 */
function plainTensors(outputs: Readonly<Record<string, OutputTensor>>): Record<string, OutputTensor> {
  return Object.fromEntries(
    Object.entries(outputs).map(([name, { type, data, dims }]) => [
      name,
      { type, data: ArrayBuffer.isView(data) ? (data as Float32Array).slice() : data, dims },
    ]),
  );
}
