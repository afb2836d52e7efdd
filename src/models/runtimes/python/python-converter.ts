import { spawn } from 'node:child_process';
import { mkdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { AppError } from '../../../kernel/errors.ts';
import type { ConversionJob, ConvertedGraph, Converter, OnStage } from '../../conversion/converter.ts';
import { requireTrusted } from '../../trust.ts';
import { PrivateDirectories, writeFiles } from '../private-directories.ts';
import type { ModelArtifact } from '../runtime.ts';
import { killGroup } from './kill-group.ts';
import type { Interpreter } from './python-runtime.ts';
import { allowedVariables } from './workers/allowed-variables.ts';

interface PythonConverterOptions {
  /** The folder that has the Python packages `slipway_worker` and `slipway_convert`. */
  readonly packageDirectory: string;
  readonly temporaryDirectory: string;
  /** Longest time of one conversion; past it the process is ended. */
  readonly timeoutMs: number;
  /** As `requireTrusted` takes it: a model is loaded here, with its code. */
  readonly trusted: readonly string[];
  readonly serverVariables: Readonly<Record<string, string | undefined>>;
  interpreterFor(artifact: ModelArtifact, directory: string): Promise<Interpreter>;
}

const stageSchema = z.object({ stage: z.string(), message: z.string() });
const doneSchema = z.object({
  done: z.object({
    packages: z.record(z.string(), z.string()),
    probes: z.record(z.string(), z.array(z.union([z.string(), z.number(), z.boolean()])).max(1_000)),
  }),
});
const errorSchema = z.object({
  error: z.object({ kind: z.enum(['missing', 'unreadable', 'unsupported', 'failed']), message: z.string() }),
});
const lineSchema = z.union([stageSchema, doneSchema, errorSchema]);
type Line = z.infer<typeof lineSchema>;

const CODES = {
  missing: 'ENVIRONMENT_INCOMPLETE',
  unreadable: 'MODEL_UNREADABLE',
  unsupported: 'MODEL_UNSUPPORTED',
} as const;
const LAST_WORDS = 4_000;

/** Converts with the libraries of the model's own Python, in a process that ends with the conversion. */
export class PythonConverter implements Converter {
  readonly #options: PythonConverterOptions;
  readonly #directories: PrivateDirectories;

  constructor(options: PythonConverterOptions) {
    this.#options = options;
    this.#directories = new PrivateDirectories(options.temporaryDirectory, 'slipway-convert');
  }

  async convert(
    job: ConversionJob,
    onStage: OnStage,
    signal: AbortSignal,
  ): Promise<ConvertedGraph | { readonly failed: string }> {
    requireTrusted(job.artifact, this.#options.trusted);
    const directory = await this.#directories.make();
    try {
      const files = path.join(directory, 'model');
      const temporary = path.join(directory, 'tmp');
      await Promise.all([mkdir(files), mkdir(temporary)]);
      await writeFiles(files, job.artifact.files);
      const interpreter = await this.#options.interpreterFor(job.artifact, files);
      const output = path.join(directory, 'model.onnx');
      const last = await this.#run(interpreter, jobText(job, files, output), temporary, { onStage, signal });
      if ('error' in last) {
        const { kind, message } = last.error;
        if (kind === 'failed') return { failed: message };
        throw new AppError(CODES[kind], message);
      }
      return { graph: await readFile(output), ...last.done };
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }

  /** Answers with the last line of the process. */
  async #run(
    { python, variables }: Interpreter,
    job: string,
    temporary: string,
    { onStage, signal }: { readonly onStage: OnStage; readonly signal: AbortSignal },
  ): Promise<Exclude<Line, { stage: string }>> {
    const { packageDirectory, serverVariables, timeoutMs } = this.#options;
    const child = spawn(python, ['-u', '-m', 'slipway_convert'], {
      cwd: packageDirectory,
      env: {
        ...allowedVariables(serverVariables),
        ...variables,
        TMPDIR: temporary,
        PYTHONPATH: packageDirectory,
        PYTHONDONTWRITEBYTECODE: '1',
      },
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    let reason: unknown = null;
    const end = (why: unknown): void => {
      reason ??= why;
      killGroup(child.pid);
    };
    const timer = setTimeout(
      () => end(new AppError('DEADLINE_EXCEEDED', `The conversion was not done after ${timeoutMs} ms`)),
      timeoutMs,
    );
    const onAbort = (): void => end(signal.reason);
    signal.addEventListener('abort', onAbort);
    let words = '';
    child.stderr.on('data', (piece: Buffer) => {
      words = (words + piece.toString('utf8')).slice(-LAST_WORDS);
    });
    child.stdin.on('error', () => undefined);
    child.stdin.end(job);
    const closed = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(`${python} cannot be started: ${error.message}`));
      child.once('close', (code, by) => resolve(`it ended ${by === null ? `with ${code}` : `by ${by}`}`));
    });
    try {
      let last: Line | null = null;
      for await (const line of createInterface({ input: child.stdout })) {
        last = lineOf(line);
        if ('stage' in last) onStage(last.message);
      }
      const how = await closed;
      if (reason !== null) throw reason;
      if (last === null || 'stage' in last)
        return { error: { kind: 'failed', message: brokenOff(how, words) } };
      return last;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      killGroup(child.pid);
    }
  }
}

function jobText(
  { artifact, signature, precision }: ConversionJob,
  directory: string,
  output: string,
): string {
  return JSON.stringify({
    directory,
    output,
    precision,
    entry: artifact.entry,
    declared: artifact.declared,
    fields: signature.fields.map(({ name, type }) => ({ name, type })),
    task: signature.output.task,
    has_probabilities: signature.output.task === 'classification' && signature.output.hasProbabilities,
  });
}

/** What runs there is code of others: a line that is none of ours is where the reading ends. */
function lineOf(line: string): Line {
  try {
    return lineSchema.parse(JSON.parse(line));
  } catch {
    return { error: { kind: 'failed', message: `it wrote a line that is no report: ${line.slice(0, 200)}` } };
  }
}

function brokenOff(how: string, words: string): string {
  const last = words.trim().split('\n').slice(-3).join(' ');
  return `${how}${last === '' ? '' : `: ${last}`}`;
}
