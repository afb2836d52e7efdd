import type { MessagePort } from 'node:worker_threads';
import { messageOf } from '../../../kernel/errors.ts';
import { packTensors, unpackTensors } from './packed-tensors.ts';
import type { OnnxSession, OpenSession } from './session.ts';
import type { FromSessionThread, ToSessionThread } from './thread-messages.ts';

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
    const feeds = unpackTensors(message.feeds);
    const outputs = await session.run(feeds, message.fetches);
    return { type: 'ran', call: message.call, outputs: packTensors(outputs) };
  }

  port.on('message', (message: ToSessionThread) => {
    answer(message).then(
      (reply) => {
        if (reply !== null) port.postMessage(reply, reply.type === 'ran' ? [reply.outputs.buffer] : []);
      },
      (error: unknown) => {
        if (message.type === 'release') return;
        const failed: FromSessionThread = { type: 'failed', call: message.call, message: messageOf(error) };
        port.postMessage(failed);
      },
    );
  });
}
