/** Why a worker ended: decided before it is killed, so that its signal is never taken for the reason. */
export type WorkerEndKind =
  | 'deadline'
  | 'memory'
  | 'crash'
  | 'protocol'
  | 'start_timeout'
  | 'not_started'
  | 'refused'
  | 'stop';

export interface WorkerEnd {
  readonly kind: WorkerEndKind;
  /** For the people who operate the server. */
  readonly message: string;
}

const BYTES_OF_MB = 1024 * 1024;

export function memoryEnd(usedBytes: number, limitBytes: number): WorkerEnd {
  return {
    kind: 'memory',
    message: `worker killed: used ${megabytes(usedBytes)} MB of ${megabytes(limitBytes)} MB`,
  };
}

export function exhaustedEnd(limitBytes: number | null): WorkerEnd {
  const limit = limitBytes === null ? 'its memory' : `its ${megabytes(limitBytes)} MB`;
  return { kind: 'memory', message: `worker killed: the model used up ${limit} (MemoryError)` };
}

export function crashEnd(code: number | null, signal: string | null): WorkerEnd {
  const how = signal === null ? `with exit code ${code}` : `by ${signal}`;
  const hint = signal === 'SIGKILL' ? ', perhaps by the kernel for want of memory' : '';
  return { kind: 'crash', message: `worker ended ${how}${hint}` };
}

function megabytes(bytes: number): number {
  return Math.round(bytes / BYTES_OF_MB);
}
