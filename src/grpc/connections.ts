import { createServer, type Socket } from 'node:net';
import { AppError, messageOf } from '../kernel/errors.ts';

/** The listening side: grpc-js is handed its connections, so that they can be cut off where it only ends them. */
export interface Connections {
  listen(host: string, port: number): Promise<number>;
  /** Open connections stay. */
  stopAccepting(): void;
  cutOff(): void;
}

/** `lifeMs` is how long a connection may exist at all. */
export function createConnections(take: (socket: Socket) => void, lifeMs: number): Connections {
  const open = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    open.add(socket);
    const old = setTimeout(() => socket.destroy(), lifeMs).unref();
    socket.on('error', () => undefined);
    socket.once('close', () => {
      clearTimeout(old);
      open.delete(socket);
    });
    take(socket);
  });

  return {
    listen(host, port) {
      return new Promise((resolve, reject) => {
        server.on('error', (error) => reject(listenFailure(error, host, port)));
        server.listen({ host, port }, () => resolve((server.address() as { port: number }).port));
      });
    },
    stopAccepting: () => void server.close(),
    cutOff() {
      for (const socket of open) socket.destroy();
    },
  };
}

function listenFailure(error: NodeJS.ErrnoException, host: string, port: number): AppError {
  const reason =
    error.code === 'EADDRINUSE'
      ? `port ${port} is taken: choose another with --grpc-port, or --grpc-port 0 for a free one`
      : error.code === 'EACCES'
        ? `port ${port} needs more rights: choose one above 1023`
        : messageOf(error);
  return new AppError('CONFIG_INVALID', `Cannot listen for gRPC on ${host}:${port}: ${reason}`, {
    cause: error,
  });
}
