import { expect, it } from 'vitest';
import { idAt } from '../../../test/support/log-lines.ts';
import { finishedSegments, thisHost, type WriterLife, type WrittenSegment } from './finished-segments.ts';

const NOW = 1_800_000_000_000;
const DAY = 86_400_000;
const life: WriterLife = { host: 'here', now: () => NOW, isAlive: (pid) => pid === 1 || pid === 10 };

function segment(number: number, change: Partial<WrittenSegment> = {}): WrittenSegment {
  return {
    segmentId: idAt(NOW - DAY, number),
    path: '',
    bytes: 1,
    modifiedAt: NOW,
    writer: { pid: 10, host: 'here' },
    closed: false,
    ...change,
  };
}

function finishedNumbers(...segments: WrittenSegment[]): number[] {
  const finished = finishedSegments(segments, life);
  return segments.flatMap((one, index) => (finished.has(one.segmentId) ? [index] : []));
}

it('takes a living writer’s newest segment as open and the ones before as finished', () => {
  expect(finishedNumbers(segment(1), segment(2), segment(3))).toEqual([0, 1]);
  expect(finishedNumbers(segment(3), segment(2), segment(1))).toEqual([1, 2]);
});

it('takes the newest segment as finished when it is closed or its writer is dead', () => {
  expect(finishedNumbers(segment(1, { closed: true }))).toEqual([0]);
  expect(finishedNumbers(segment(1, { writer: { pid: 11, host: 'here' } }))).toEqual([0]);
});

it('knows pid 1 of a container before a restart by the newer segment of the same pid', () => {
  const one = { pid: 1, host: 'here' };
  expect(finishedNumbers(segment(1, { writer: one }))).toEqual([]);
  expect(finishedNumbers(segment(1, { writer: one }), segment(2, { writer: one }))).toEqual([0]);
});

it('does not mix up the same pid of two hosts', () => {
  const elsewhere = { pid: 10, host: 'there' };
  expect(finishedNumbers(segment(1), segment(2, { writer: elsewhere }))).toEqual([]);
});

it('waits seven days for the writer of another host', () => {
  const writer = { pid: 11, host: 'there' };
  expect(finishedNumbers(segment(1, { writer, modifiedAt: NOW - 7 * DAY }))).toEqual([]);
  expect(finishedNumbers(segment(1, { writer, modifiedAt: NOW - 7 * DAY - 1 }))).toEqual([0]);
});

it('gives a segment without a header an hour', () => {
  const young = segment(1, { segmentId: idAt(NOW - 3_600_000, 1), writer: null });
  const old = segment(2, { segmentId: idAt(NOW - 3_600_001, 2), writer: null });
  expect(finishedNumbers(young, old)).toEqual([1]);
});

it('asks the operating system who lives', () => {
  expect(thisHost.isAlive(process.pid)).toBe(true);
  expect(thisHost.isAlive(1)).toBe(true);
  expect(thisHost.isAlive(2 ** 22 + 1)).toBe(false);
});
