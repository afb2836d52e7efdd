import { readFileSync } from 'node:fs';

const BYTES_OF_KB = 1024;

/**
 * Bytes of memory that a process has taken for itself: what it maps of files is not counted, which the kernel can have
 * back. Null where there is no /proc, or no such process.
 */
export function usedBytes(pid: number): number | null {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    const resident = kilobytes(status, 'VmRSS');
    const ofFiles = kilobytes(status, 'RssFile');
    return resident === null ? null : (resident - (ofFiles ?? 0)) * BYTES_OF_KB;
  } catch {
    return null;
  }
}

function kilobytes(status: string, name: string): number | null {
  const found = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status);
  return found === null ? null : Number(found[1]);
}
