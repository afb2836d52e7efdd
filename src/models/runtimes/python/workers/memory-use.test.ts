import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { usedBytes } from './memory-use.ts';

it('counts what a process took, and not the files that it maps', async () => {
  const source = `
import mmap, sys
file = open(sys.executable, "rb")
mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
sum(mapped[::4096])
kept = bytearray(b"x" * (50 << 20))
print("ready", flush=True)
sys.stdin.read()`;
  const child = spawn('python3', ['-c', source], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  const used = usedBytes(child.pid as number) ?? 0;
  const exited = once(child, 'exit');
  child.stdin.end();
  await exited;
  expect(used / 2 ** 20).toBeGreaterThan(50);
  expect(used / 2 ** 20).toBeLessThan(80);
});

it('is unknown of a process that is not there', () => {
  expect(usedBytes(4_194_304)).toBeNull();
});
