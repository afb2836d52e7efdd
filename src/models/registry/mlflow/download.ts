import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { AppError, messageOf } from '../../../kernel/errors.ts';
import type { ArtifactSource, SourceFile } from './artifact-source.ts';

/** Told of the bytes that are there, of all where their sizes are known. */
export type OnProgress = (done: number, total: number | null) => void;

/**
 * Brings every file of a source into a directory. What an attempt before brought whole stays, and a file that broke off
 * is gone on with where the source can do that. REGISTRY_UNAVAILABLE when it breaks off, MODEL_UNREADABLE when a file is
 * not as long as the source says.
 */
export async function download(
  source: ArtifactSource,
  directory: string,
  maxBytes: number,
  onProgress: OnProgress,
  signal?: AbortSignal,
): Promise<void> {
  const files = await source.list();
  if (files.length === 0) throw new AppError('MODEL_UNREADABLE', 'The artifact has no files');
  const total = files.some(({ bytes }) => bytes === null)
    ? null
    : files.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0);
  if (total !== null && total > maxBytes) throw tooLarge(total, maxBytes);
  let done = 0;
  for (const file of files) {
    const target = path.join(directory, file.path);
    const length = await sizeOf(target);
    if (length === null || length !== file.bytes) {
      await mkdir(path.dirname(target), { recursive: true });
      await bring(source, file, target, maxBytes - done, (bytes) => onProgress(done + bytes, total), signal);
    }
    done += (await sizeOf(target)) ?? 0;
    onProgress(done, total);
  }
}

async function bring(
  source: ArtifactSource,
  file: SourceFile,
  target: string,
  maxBytes: number,
  onBytes: (bytes: number) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const part = `${target}.part`;
  const kept = (await sizeOf(part)) ?? 0;
  const from = file.bytes !== null && kept < file.bytes ? kept : 0;
  try {
    const { body, isPart } = await source.open(file.path, from, signal);
    let bytes = isPart ? from : 0;
    const counted = new Transform({
      transform(chunk: Buffer, _encoding, next) {
        bytes += chunk.length;
        onBytes(bytes);
        next(bytes > maxBytes ? tooLarge(bytes, maxBytes) : null, chunk);
      },
    });
    await pipeline(body, counted, createWriteStream(part, { flags: isPart && from > 0 ? 'a' : 'w' }), {
      signal,
    });
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError(
      'REGISTRY_UNAVAILABLE',
      `The download of ${file.path} broke off: ${messageOf(error)}`,
      {
        cause: error,
        retryAfterSeconds: 5,
      },
    );
  }
  const length = await sizeOf(part);
  if (file.bytes !== null && length !== file.bytes) {
    await rm(part, { force: true });
    throw new AppError(
      'MODEL_UNREADABLE',
      `${file.path} has ${length} bytes, and the registry says ${file.bytes}`,
    );
  }
  await rename(part, target);
}

async function sizeOf(file: string): Promise<number | null> {
  return (await stat(file).catch(() => null))?.size ?? null;
}

function tooLarge(bytes: number, most: number): AppError {
  return new AppError(
    'MODEL_UNREADABLE',
    `The artifact has ${bytes} bytes or more, and registry.mlflow.cache_bytes leaves ${most}`,
  );
}
