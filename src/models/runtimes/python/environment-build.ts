import { z } from 'zod';
import { AppError } from '../../../kernel/errors.ts';
import { type PythonProgram, runProgram } from './environment-process.ts';

const messageSchema = z.union([
  z.object({ progress: z.string() }),
  z.object({ python: z.string() }),
  z.object({ failed: z.string() }),
]);

/**
 * The Python of an environment with what the model in `directory` asks for, which is made below `root` if it is not
 * there yet. ENVIRONMENT_INCOMPLETE has the end of what the installer said.
 */
export async function buildEnvironment(
  program: PythonProgram,
  { root, directory }: { readonly root: string; readonly directory: string },
  onProgress: (line: string) => void,
): Promise<string> {
  let python: string | null = null;
  let failure: string | null = null;
  const end = await runProgram(program, ['slipway_worker.environments', root, directory], (line) => {
    const message = messageOf(line);
    if (message === null) return;
    if ('progress' in message) onProgress(message.progress);
    else if ('python' in message) python = message.python;
    else failure = message.failed;
  });
  if (python !== null && end.code === 0) return python;
  const reason = end.timedOut
    ? `it took longer than ${program.timeoutMs} ms`
    : (failure ?? end.errors.trim());
  throw new AppError(
    'ENVIRONMENT_INCOMPLETE',
    `The environment that the model asks for could not be made: ${reason}`,
  );
}

function messageOf(line: string): z.infer<typeof messageSchema> | null {
  try {
    return messageSchema.parse(JSON.parse(line));
  } catch {
    return null;
  }
}
