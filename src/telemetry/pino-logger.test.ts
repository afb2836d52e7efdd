import { mkdirSync, readFileSync, rmdirSync } from 'node:fs';

import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/support/temporary-folder.ts';
import { type AppLoggerOptions, createAppLogger } from './pino-logger.ts';

let file = '';
let stderr: string[] = [];
let nowMs = 0;

beforeEach(() => {
  file = join(temporaryFolder('log'), 'logs', 'app.log');
  stderr = [];
  nowMs = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
});

function start(options: Partial<AppLoggerOptions> = {}) {
  const writeStderr = (text: string) => void stderr.push(text);
  return createAppLogger({
    file,
    level: 'info',
    serviceVersion: '1.2.3',
    now: () => nowMs,
    writeStderr,
    ...options,
  });
}

const linesOf = (path: string) => {
  return readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
};

describe('app.log', () => {
  it('has ECS lines, there when the call returns', () => {
    const { logger, close } = start();
    logger.info('100 %s of %d', { 'trace.id': 't-1', 'http.response.status_code': 200 });
    logger.debug('hidden');
    logger.error('it broke', { error: new RangeError('too far') });
    const [info, error, ...rest] = linesOf(file);
    expect(info).toEqual({
      'log.level': 'info',
      '@timestamp': '2026-01-02T03:04:05.678Z',
      'service.name': 'slipway',
      'service.version': '1.2.3',
      'process.pid': process.pid,
      'ecs.version': '8.17.0',
      'trace.id': 't-1',
      'http.response.status_code': 200,
      message: '100 %s of %d',
    });
    expect(error).toMatchObject({
      'log.level': 'error',
      'error.type': 'RangeError',
      'error.message': 'too far',
    });
    expect(error?.['error.stack_trace']).toContain('RangeError: too far');
    expect(rest).toEqual([]);
    close();
  });

  it('has no line longer than its bound', () => {
    const { logger, close } = start();
    const fields = Object.fromEntries(
      Array.from({ length: 60 }, (_, index) => [`f${index}`, 'x'.repeat(9_999)]),
    );
    logger.info('m'.repeat(1e6), fields);
    expect(readFileSync(file).length).toBeLessThan(10_000);
    expect(linesOf(file)[0]?.['labels.dropped']).toBeDefined();
    close();
  });

  it('rotates', () => {
    const { logger, close } = start({ maxBytes: 1_000 });
    for (let line = 0; line < 50; line++) logger.info(`line ${line}`);
    close();
    expect(linesOf(file).at(-1)?.['message']).toBe('line 49');
    expect(linesOf(`${file}.3`)).toHaveLength(linesOf(`${file}.1`).length);
  });
});

describe('stderr', () => {
  it('gets warnings and errors as one readable line that cannot steer a terminal', () => {
    const { logger, close } = start();
    logger.info('quiet');
    logger.warn('watch\u001b[31m out\nfaked: line', { error: new Error('because'), 'trace.id': 't-1' });
    expect(stderr).toEqual(['slipway: warning: watch [31m out faked: line: because (t-1)\n']);
    close();
  });
});

describe('a file that cannot be written', () => {
  it('is told once, its lines go to stderr and are counted, and it is tried again', () => {
    mkdirSync(file, { recursive: true });
    const app = start();
    app.logger.info('one');
    app.logger.error('two');
    expect(stderr).toHaveLength(3);
    expect(stderr[0]).toContain('cannot be written');
    expect(JSON.parse(stderr[2] as string)).toMatchObject({ message: 'two' });
    expect(app.lostLines()).toBe(2);
    nowMs += 10_000;
    app.logger.info('still not');
    expect(stderr.filter((text) => text.includes('cannot be written'))).toHaveLength(1);
    rmdirSync(file);
    nowMs += 10_000;
    app.logger.info('three');
    expect(stderr.at(-1)).toContain('can be written again; 3 lines');
    expect(linesOf(file)).toHaveLength(1);
    app.close();
  });

  it('is survived on a full disk, with stderr gone too, and after close', () => {
    const app = start({
      file: '/dev/full',
      writeStderr: () => {
        throw new Error('EPIPE');
      },
    });
    app.logger.error('x');
    expect(app.lostLines()).toBeGreaterThan(0);
    app.close();
    app.logger.error('y');
    app.close();
  });
});
