import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../kernel/clock.ts';
import { silentLogger } from '../../kernel/logger.ts';
import { SegmentLog, type SegmentLogOptions } from './segment-log.ts';

let directory: string;
let now = 1_700_000_000_000;
const clock: Clock = { now: () => now, elapsed: () => now };

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'slipway-segments-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function start(options: Partial<SegmentLogOptions> = {}): SegmentLog {
  const defaults = {
    directory,
    segmentBytes: 1e6,
    fsync: 'never' as const,
    fsyncIntervalMs: 1_000,
    serviceVersion: '1.2.3',
  };
  return new SegmentLog({ ...defaults, ...options }, clock, silentLogger);
}

const segments = (): string[] =>
  readdirSync(directory)
    .filter((name) => name.startsWith('predictions-'))
    .sort();
const linesOf = (name: string): Record<string, unknown>[] =>
  readFileSync(path.join(directory, name), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('a segment', () => {
  it('begins with its header and ends with its footer, and the link names it', async () => {
    const log = start();
    log.open();
    await log.append('{"a":1}');
    expect(readlinkSync(path.join(directory, 'predictions.log'))).toBe(segments()[0]);
    await log.close();
    const [header, line, footer] = linesOf(segments()[0] as string);
    expect(header).toMatchObject({
      'event.action': 'segment.opened',
      'process.pid': process.pid,
      'service.version': '1.2.3',
      schema: 1,
    });
    expect(line).toEqual({ a: 1 });
    expect(footer).toMatchObject({ 'event.action': 'segment.closed', 'segment.id': header?.['segment.id'] });
  });

  it.each(['never', 'group'] as const)(
    'has every byte of a line when its promise resolves (fsync %s)',
    async (fsync) => {
      const log = start({ fsync });
      log.open();
      const written = [log.append('{"a":"é"}'), log.append('{"b":2}')];
      expect(written[0]).toBe(written[1]);
      await written[0];
      expect(linesOf(segments()[0] as string).slice(1)).toEqual([{ a: 'é' }, { b: 2 }]);
      await log.close();
    },
  );

  it('is closed past its size, and the next takes over', async () => {
    const log = start({ segmentBytes: 400 });
    log.open();
    for (let i = 0; i < 6; i++) await log.append(JSON.stringify({ i, text: 'x'.repeat(100) }));
    await log.close();
    const all = segments().map(linesOf);
    expect(all.length).toBeGreaterThan(1);
    for (const lines of all)
      expect([lines[0]?.['event.action'], lines.at(-1)?.['event.action']]).toEqual([
        'segment.opened',
        'segment.closed',
      ]);
    expect(all.flat().flatMap((line) => ('i' in line ? [line['i']] : []))).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('that is being closed takes what was appended before', async () => {
    const log = start();
    log.open();
    const line = log.append('{"last":true}');
    await log.close();
    await line;
    expect(linesOf(segments()[0] as string)).toContainEqual({ last: true });
  });
});

describe('a log that cannot be written', () => {
  it('refuses, says since when, and goes on in a new segment when it can', async () => {
    const blocked = path.join(directory, 'logs');
    writeFileSync(blocked, 'a file where the directory should be');
    const log = start({ directory: blocked });
    log.open();
    expect(log.failure).toMatchObject({ since: now });
    await expect(log.append('{"a":1}')).rejects.toMatchObject({ code: 'LOG_UNWRITABLE' });
    rmSync(blocked);
    now += 1_000;
    await log.append('{"a":2}');
    expect(log.failure).toBeNull();
    await log.close();
    const [only] = readdirSync(blocked).filter((name) => name.startsWith('predictions-'));
    expect(readFileSync(path.join(blocked, only as string), 'utf8')).toContain('{"a":2}');
  });

  it('never writes again to a segment that failed', async () => {
    if (!existsSync('/dev/full')) return;
    const log = start();
    log.open();
    const { openSync, closeSync } = await import('node:fs');
    const [segment] = segments();
    const inode = path.join(directory, segment as string);
    const fd = readdirSync('/proc/self/fd').find((each) => {
      try {
        return readlinkSync(`/proc/self/fd/${each}`) === inode;
      } catch {
        return false;
      }
    });
    closeSync(Number(fd));
    const full = openSync('/dev/full', 'w');
    expect(full).toBe(Number(fd));
    await expect(log.append('{"a":1}')).rejects.toMatchObject({ code: 'LOG_UNWRITABLE' });
    now += 1_000;
    await log.append('{"a":2}');
    await log.close();
    expect(segments()).toHaveLength(2);
    expect(linesOf(segments()[0] as string)).toHaveLength(1);
    expect(linesOf(segments()[1] as string)).toContainEqual({ a: 2 });
  });
});
