import { execFileSync } from 'node:child_process';
import fs, {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { HandClock, nextTurn } from '../../../test/support/serving-fakes.ts';
import { logLine } from '../../contracts/log-record.ts';
import type { AppError } from '../../kernel/errors.ts';
import { type Logger, silentLogger } from '../../kernel/logger.ts';
import { SegmentLog, type SegmentLogOptions } from './segment-log.ts';

let root: string;
let directory: string;
let clock: HandClock;
let messages: string[];

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'slipway-segments-'));
  directory = path.join(root, 'logs');
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  clock = new HandClock();
  clock.wall = Date.now();
  messages = [];
});

function aLog(change: Partial<SegmentLogOptions> = {}): SegmentLog {
  const note = (message: string): void => void messages.push(message);
  const logger: Logger = { ...silentLogger, info: note, warn: note, error: note };
  const log = new SegmentLog(
    {
      directory,
      segmentBytes: 1_000_000,
      fsync: 'never',
      fsyncIntervalMs: 1_000,
      serviceVersion: '1.2.3',
      ...change,
    },
    clock,
    logger,
  );
  log.open();
  onTestFinished(() => log.close());
  return log;
}

const segments = (): string[] =>
  readdirSync(directory)
    .filter((name) => name.startsWith('predictions-'))
    .sort();
const linesOf = (name: string): string[] =>
  readFileSync(path.join(directory, name), 'utf8').split('\n').slice(0, -1);
const current = (): string => readlinkSync(path.join(directory, 'predictions.log'));
const codeOf = (error: AppError): string => error.code;

/** The descriptors of this process that are open on the file. */
function descriptorsOf(file: string): number[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === file ? [Number(fd)] : [];
    } catch {
      return [];
    }
  });
}

/** Puts a file that can only be read in its place. The number stays taken: whoever got it would be closed with the segment. */
function makeUnwritable(fd: number): void {
  closeSync(fd);
  const others: number[] = [];
  for (;;) {
    const opened = openSync('/dev/null', 'r');
    if (opened === fd) break;
    others.push(opened);
  }
  for (const other of others) closeSync(other);
}

describe('a segment', () => {
  it('begins with its header, is linked to, and holds each line', async () => {
    const log = aLog();
    await log.append('{"a":1}');
    const [name = ''] = segments();
    expect(current()).toBe(name);
    const [header = '', ...rest] = linesOf(name);
    expect(logLine.parse(JSON.parse(header))).toMatchObject({
      'event.action': 'segment.opened',
      'segment.id': name.slice('predictions-'.length, -'.log'.length),
      'process.pid': process.pid,
      'service.version': '1.2.3',
    });
    expect(rest).toEqual(['{"a":1}']);
  });

  it('is its own, also beside another writer in the directory', async () => {
    const [one, two] = [aLog(), aLog()];
    await Promise.all([one.append('1'), two.append('2')]);
    const names = segments();
    expect(names).toHaveLength(2);
    expect(names.map((name) => linesOf(name).slice(1))).toEqual([['1'], ['2']]);
    expect(current()).toBe(names[1]);
  });

  it('is readable by its group and not by others', () => {
    aLog();
    expect(fs.statSync(path.join(directory, segments()[0] ?? '')).mode & 0o037).toBe(0);
  });

  it('is closed with a footer past its size, and the next one is linked to', async () => {
    const log = aLog({ segmentBytes: 600 });
    const written: string[] = [];
    for (let i = 0; i < 12; i++) {
      const line = JSON.stringify({ i, pad: 'é'.repeat(60) });
      written.push(line);
      await log.append(line);
      await nextTurn();
    }
    await log.close();
    const names = segments();
    expect(names.length).toBeGreaterThan(2);
    expect(current()).toBe(names.at(-1));
    for (const name of names) {
      const lines = linesOf(name);
      expect(logLine.parse(JSON.parse(lines[0] ?? ''))['event.action']).toBe('segment.opened');
      expect(logLine.parse(JSON.parse(lines.at(-1) ?? ''))).toMatchObject({
        'event.action': 'segment.closed',
        'segment.id': name.slice('predictions-'.length, -'.log'.length),
      });
    }
    expect(names.flatMap((name) => linesOf(name).slice(1, -1))).toEqual(written);
  });
});

describe('append', () => {
  it.each(['never', 'interval', 'group'] as const)(
    'has every byte in the file before it answers, fsync %s',
    async (fsync) => {
      const log = aLog({ fsync });
      const lines = Array.from({ length: 50 }, (_, i) =>
        JSON.stringify({ i, text: 'é'.repeat(1_000 * (i % 7)) }),
      );
      const appends = lines.map((line) => log.append(line));
      expect(new Set(appends).size).toBe(1);
      await Promise.all(appends);
      expect(linesOf(segments()[0] ?? '').slice(1)).toEqual(lines);
    },
  );

  it('takes lines one after the other, each from the answer to the last', async () => {
    const log = aLog();
    let done = 0;
    const all = (async () => {
      for (let i = 0; i < 5; i++) {
        await log.append(String(i));
        done++;
      }
    })();
    for (let turn = 0; turn < 500 && done < 5; turn++) await nextTurn();
    expect(done).toBe(5);
    await all;
    expect(linesOf(segments()[0] ?? '').slice(1)).toEqual(['0', '1', '2', '3', '4']);
  });

  it('takes lines while others are being written', async () => {
    const log = aLog({ fsync: 'group' });
    const appends: Promise<void>[] = [];
    for (let i = 0; i < 40; i++) {
      appends.push(log.append(String(i)));
      if (i % 3 === 0) await nextTurn();
    }
    await Promise.all(appends);
    expect(linesOf(segments()[0] ?? '').slice(1)).toEqual(Array.from({ length: 40 }, (_, i) => String(i)));
  });
});

describe('close', () => {
  it('writes what is left first', async () => {
    const log = aLog();
    const appends = [log.append('1'), log.append('2')];
    await log.close();
    await Promise.all(appends);
    expect(linesOf(segments()[0] ?? '').slice(1, -1)).toEqual(['1', '2']);
    expect(descriptorsOf(path.join(directory, segments()[0] ?? ''))).toEqual([]);
  });
});

describe('a log that cannot be written', () => {
  it('says so before the first request, refuses, and recovers in a new segment', async () => {
    writeFileSync(directory, 'a file where the directory should be');
    const log = aLog();
    const since = clock.now();
    expect(log.failure).toMatchObject({ since, reason: expect.stringMatching(/EEXIST|ENOTDIR/) });
    const refused = await log.append('1').catch((error: AppError) => error);
    expect(refused).toMatchObject({ code: 'LOG_UNWRITABLE', retryAfterSeconds: 5 });
    clock.advance(1_000);
    expect(await log.append('2').catch(codeOf)).toBe('LOG_UNWRITABLE');
    expect(log.failure?.since).toBe(since);
    expect(messages).toEqual(['The prediction log cannot be written']);
    rmSync(directory);
    clock.advance(1_000);
    await log.append('3');
    expect(log.failure).toBeNull();
    expect(messages.at(-1)).toBe('The prediction log can be written again');
    expect(segments()).toHaveLength(1);
    expect(linesOf(segments()[0] ?? '').slice(1)).toEqual(['3']);
  });

  it('does not try the directory again for each request', async () => {
    writeFileSync(directory, '');
    const log = aLog();
    await log.append('1').catch(codeOf);
    rmSync(directory);
    clock.advance(100);
    expect(await log.append('2').catch(codeOf)).toBe('LOG_UNWRITABLE');
    clock.advance(200);
    await log.append('3');
  });

  it('never appends to a segment after a failed write', async () => {
    const log = aLog();
    await log.append('1');
    const [first = ''] = segments();
    for (const fd of descriptorsOf(path.join(directory, first))) makeUnwritable(fd);
    expect(await Promise.all([log.append('2').catch(codeOf), log.append('3').catch(codeOf)])).toEqual([
      'LOG_UNWRITABLE',
      'LOG_UNWRITABLE',
    ]);
    expect(log.failure).not.toBeNull();
    clock.advance(1_000);
    await log.append('4');
    expect(segments()).toHaveLength(2);
    expect(linesOf(first).slice(1)).toEqual(['1']);
    expect(linesOf(segments()[1] ?? '').slice(1)).toEqual(['4']);
  });

  it('leaves a torn line at the end of its segment when the disk is full', async (context) => {
    const mounted = path.join(root, 'small-disk');
    fs.mkdirSync(mounted);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=32k', 'tmpfs', mounted], { stdio: 'ignore' });
    } catch {
      context.skip('mounting a small disk needs root');
    }
    onTestFinished(() => void execFileSync('umount', ['-l', mounted]));
    directory = path.join(mounted, 'logs');
    const log = aLog();
    await log.append('"whole"');
    const [first = ''] = segments();
    expect(await log.append(`"${'x'.repeat(60_000)}"`).catch(codeOf)).toBe('LOG_UNWRITABLE');
    const torn = readFileSync(path.join(directory, first), 'utf8');
    expect(torn.length).toBeGreaterThan(10_000);
    expect(torn.endsWith('\n')).toBe(false);
    clock.advance(1_000);
    expect(await log.append('"no room"').catch(codeOf)).toBe('LOG_UNWRITABLE');
    expect(segments()).toEqual([first]);
    expect(readFileSync(path.join(directory, first), 'utf8')).toBe(torn);
    execFileSync('mount', ['-o', 'remount,size=256k', mounted]);
    clock.advance(1_000);
    await log.append('"room"');
    expect(linesOf(segments()[1] ?? '').slice(1)).toEqual(['"room"']);
    expect(readFileSync(path.join(directory, first), 'utf8')).toBe(torn);
    await log.close();
  });
});
