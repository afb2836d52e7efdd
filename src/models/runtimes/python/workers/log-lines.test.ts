import { expect, it } from 'vitest';
import { LogLines } from './log-lines.ts';

function logged(pieces: readonly (string | Buffer)[], elapsed = [0]): readonly string[] {
  const written: string[] = [];
  let reads = 0;
  const lines = new LogLines(
    (line) => written.push(line),
    () => elapsed[Math.min(reads++, elapsed.length - 1)] ?? 0,
  );
  for (const piece of pieces) lines.push(Buffer.from(piece as string));
  lines.close();
  return written;
}

it('gives lines as they end, and the last without an end', () => {
  expect(logged(['a\nb', 'c\r\n\n', 'd'])).toEqual(['a', 'bc', 'd']);
});

it('joins a character that was cut, and passes over what is no text', () => {
  const boat = Buffer.from('\u{1f6a2}\n');
  expect(logged([boat.subarray(0, 2), boat.subarray(2)])).toEqual(['\u{1f6a2}']);
  expect(logged([Buffer.from([0xff, 0x0a])])).toEqual(['\ufffd']);
});

it('cuts a long line, in whatever pieces it comes, and says how much', () => {
  const most = 4_096;
  expect(logged(['x'.repeat(most + 5), 'yy\nnext\n'])).toEqual([
    `${'x'.repeat(most)}… (7 characters more)`,
    'next',
  ]);
});

it('drops lines past a burst, says how many, and takes lines again with time', () => {
  const many = 'line\n'.repeat(250);
  expect(logged([many])).toHaveLength(201);
  expect(logged([many]).at(-1)).toBe('50 lines were dropped: the model prints too much');
  const dropping = Array.from({ length: 251 }, () => 0);
  expect(logged([many, 'soon\n', 'later\n'], [...dropping, 500, 1_000]).slice(200)).toEqual([
    '51 lines were dropped: the model prints too much',
    'later',
  ]);
});
