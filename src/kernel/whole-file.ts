import { rename, rm } from 'node:fs/promises';

/**
 * Writes beside the file (`.part`) and puts it in its place once it is whole; nothing is left behind a failure, and what a
 * killed process left is written over by the next.
 */
export async function writeWhole<Result>(
  file: string,
  write: (part: string) => Promise<Result>,
): Promise<Result> {
  const part = `${file}.part`;
  try {
    const result = await write(part);
    await rename(part, file);
    return result;
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}
