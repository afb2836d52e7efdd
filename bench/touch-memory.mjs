import { readFileSync } from 'node:fs';

/** Left for everything else that runs, bytes. */
const LEFT = 3 * 2 ** 30;
const PIECE = 2 ** 28;

/**
 * Writes to all free memory once, and ends. On a virtual machine a page that was never used is not there yet: the first
 * write to it costs several times what it costs later, and the log writes to new pages all the time.
 */
const available = Number(/MemAvailable:\s+(\d+) kB/.exec(readFileSync('/proc/meminfo', 'utf8'))[1]) * 1024;
const held = [];
for (let bytes = PIECE; bytes < available - LEFT; bytes += PIECE) held.push(Buffer.alloc(PIECE, 1));
process.stdout.write(`${held.length * PIECE}\n`);
