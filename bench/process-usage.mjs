import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** What /proc says of a process, all threads together. */
const TICK_MS = 10;
const QUIET_MS = 200;
const QUIET_CPU_MS = 20;

/** User and system time since its start, milliseconds; that of the processes it started is in it. */
export function cpuMs(pid) {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const own = (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  return childrenOf(pid).reduce((sum, child) => sum + cpuMs(child), own);
}

/** A thread that ends meanwhile has none. */
function childrenOf(pid) {
  return readdirSync(`/proc/${pid}/task`).flatMap((thread) => {
    const file = `/proc/${pid}/task/${thread}/children`;
    return existsSync(file) ? readFileSync(file, 'utf8').trim().split(' ').filter(Boolean) : [];
  });
}

/** Resident memory now and at its most, megabytes (2^20 bytes). */
export function residentMb(pid) {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  const read = (name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1]) / 1024;
  return { now: read('VmRSS'), most: read('VmHWM') };
}

/**
 * Waits until the process rests, so that what a server leaves to do after a load (Slipway ingests its log) is not done
 * in the turn of the next. Answers with the time that it took, milliseconds.
 */
export async function untilQuiet(pid, limitMs = 60_000) {
  const started = Date.now();
  while (Date.now() - started < limitMs) {
    const before = cpuMs(pid);
    await sleep(QUIET_MS);
    if (cpuMs(pid) - before <= QUIET_CPU_MS) break;
  }
  return Date.now() - started;
}
