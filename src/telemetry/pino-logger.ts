import { writeSync } from 'node:fs';
import { pino } from 'pino';
import { messageOf } from '../kernel/errors.ts';
import type { LogFields, Logger } from '../kernel/logger.ts';
import { boundedFields, cutText } from './bounded-fields.ts';
import { RotatingFile } from './rotating-file.ts';

const ECS_VERSION = '8.17.0';
const MOST_LINE_CHARACTERS = 64 * 1024;
const MOST_STDERR_CHARACTERS = 500;
const MAX_BYTES = 50 * 1024 * 1024;
const KEEP = 3;
/** How long a file that failed is left alone: its lines go to stderr meanwhile. */
const RETRY_MS = 10_000;
const STDERR = 2;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a terminal must not be sent
const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g;

export interface AppLoggerOptions {
  readonly file: string;
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly serviceVersion: string;
  /** Unix milliseconds. */
  readonly now?: () => number;
  readonly writeStderr?: (text: string) => void;
  readonly maxBytes?: number;
}

export interface AppLogger {
  readonly logger: Logger;
  /** Lines that the file did not take; they went to stderr instead. */
  lostLines(): number;
  /** After it, lines go to stderr only. */
  close(): void;
}

/**
 * The application log: JSON lines in ECS names, written synchronously, so that none is lost at exit, rotated at
 * 50 MiB with three old files; warnings and errors also as one readable line on stderr. Never throws.
 */
export function createAppLogger(options: AppLoggerOptions): AppLogger {
  const now = options.now ?? Date.now;
  const writeStderr = options.writeStderr ?? ((text: string) => void writeSync(STDERR, text));
  const file = new RotatingFile({ path: options.file, maxBytes: options.maxBytes ?? MAX_BYTES, keep: KEEP });
  let lost = 0;
  let failing = false;
  let retryAtMs = Number.NEGATIVE_INFINITY;

  function tell(text: string): void {
    try {
      writeStderr(`${text}\n`);
    } catch {
      lost += 1;
    }
  }

  function append(line: string): void {
    if (now() >= retryAtMs) {
      try {
        file.append(line);
        if (failing) tell(`slipway: ${options.file} can be written again; ${lost} lines are on stderr only`);
        failing = false;
        return;
      } catch (thrown) {
        retryAtMs = now() + RETRY_MS;
        if (!failing)
          tell(`slipway: ${options.file} cannot be written, log lines go to stderr: ${messageOf(thrown)}`);
        failing = true;
      }
    }
    lost += 1;
    tell(line.trimEnd());
  }

  const lines = pino(
    {
      level: options.level,
      base: {
        'service.name': 'slipway',
        'service.version': options.serviceVersion,
        'process.pid': process.pid,
        'ecs.version': ECS_VERSION,
      },
      messageKey: 'message',
      timestamp: () => `,"@timestamp":"${new Date(now()).toISOString()}"`,
      formatters: { level: (label) => ({ 'log.level': label }) },
    },
    { write: append },
  );

  function write(level: AppLoggerOptions['level'], message: string, fields: LogFields | undefined): void {
    if (!lines.isLevelEnabled(level)) return;
    const bounded = boundedFields(fields);
    const text = cutText(message);
    const tooLong = JSON.stringify(bounded).length > MOST_LINE_CHARACTERS;
    lines[level](tooLong ? { 'labels.dropped': 'the fields were too long' } : bounded, text);
    if ((level === 'warn' || level === 'error') && !failing) tell(readableLine(level, text, bounded));
  }

  return {
    logger: {
      debug: (message, fields) => write('debug', message, fields),
      info: (message, fields) => write('info', message, fields),
      warn: (message, fields) => write('warn', message, fields),
      error: (message, fields) => write('error', message, fields),
    },
    lostLines: () => lost,
    close: () => {
      retryAtMs = Number.POSITIVE_INFINITY;
      failing = true;
      file.close();
    },
  };
}

function readableLine(level: 'warn' | 'error', message: string, fields: Record<string, unknown>): string {
  const reason = fields['error.message'];
  const trace = fields['trace.id'];
  const why = typeof reason === 'string' && !message.includes(reason) ? `: ${reason}` : '';
  const request = typeof trace === 'string' ? ` (${trace})` : '';
  const text = `${message}${why}${request}`.replace(CONTROL_CHARACTERS, ' ');
  return `slipway: ${level === 'warn' ? 'warning' : 'error'}: ${text.slice(0, MOST_STDERR_CHARACTERS)}`;
}
