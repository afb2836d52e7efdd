import { readFileSync } from 'node:fs';
import { readdir, statfs } from 'node:fs/promises';
import { constants, monitorEventLoopDelay, PerformanceObserver, performance } from 'node:perf_hooks';
import { type Clock, systemClock } from '../kernel/clock.ts';
import { HistogramMetric } from './histogram-metric.ts';
import { type MetricFamily, plainFamily } from './metric-family.ts';

export interface ProcessMetrics {
  /** Under 5 ms: what needs the file system is read at most every 5 s, and waited for at most 500 ms. */
  families(): Promise<readonly MetricFamily[]>;
  close(): void;
}

export interface ProcessMetricsOptions {
  readonly serviceVersion: string;
  /** Directories whose file system is watched; one that does not exist is left out. */
  readonly directories: readonly string[];
  readonly clock?: Clock;
}

const SAMPLE_MS = 5_000;
const MOST_WAIT_MS = 500;
const DELAY_RESOLUTION_MS = 20;
/** Scrapers must not take each other's readings away, so a delay is forgotten after this time and not when read. */
const DELAY_WINDOW_MS = 60_000;
const GC_BOUNDS = [0.001, 0.01, 0.1, 1, 2, 5];
const GC_KINDS: ReadonlyMap<number, string> = new Map([
  [constants.NODE_PERFORMANCE_GC_MAJOR, 'major'],
  [constants.NODE_PERFORMANCE_GC_MINOR, 'minor'],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental'],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, 'weakcb'],
]);

interface Disk {
  readonly directory: string;
  readonly freeBytes: number;
  readonly sizeBytes: number;
}

/**
 * Metrics of the process, under prom-client's names where it has them. Its own collector cannot be stopped,
 * gives gauges the ending `_total`, and counts the resolution of the event-loop monitor as lag.
 */
export function createProcessMetrics(options: ProcessMetricsOptions): ProcessMetrics {
  const clock = options.clock ?? systemClock;
  const delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
  delay.enable();
  const collections = new HistogramMetric(
    { name: 'nodejs_gc_duration_seconds', help: 'Garbage collection duration by kind', labels: ['kind'] },
    { bounds: GC_BOUNDS, seriesLimit: GC_KINDS.size },
  );
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { kind } = (entry as unknown as { readonly detail: { readonly kind: number } }).detail;
      collections.with({ kind: GC_KINDS.get(kind) ?? 'other' }).observe(entry.duration / 1_000);
    }
  });
  observer.observe({ entryTypes: ['gc'] });

  const startSeconds = clock.now() / 1_000 - process.uptime();
  const maxOpenFiles = readMaxOpenFiles();
  const build = { version: options.serviceVersion, node: process.version };
  const diskLabels = new Map(options.directories.map((directory) => [directory, { directory }]));
  let delayResetMs = clock.elapsed();
  let sampledMs = Number.NEGATIVE_INFINITY;
  let sampling: Promise<void> | null = null;
  let disks: readonly Disk[] = [];
  let openFiles: number | null = null;
  let loopUse = performance.eventLoopUtilization();
  let loopUtilization = loopUse.utilization;

  async function sample(): Promise<void> {
    const now = performance.eventLoopUtilization();
    loopUtilization = performance.eventLoopUtilization(now, loopUse).utilization;
    loopUse = now;
    const [readDisks, readFiles] = await Promise.all([
      Promise.all([...diskLabels.keys()].map(readDisk)),
      readdir('/proc/self/fd').then(
        (names) => names.length - 1,
        () => null,
      ),
    ]);
    disks = readDisks.filter((disk) => disk !== null);
    openFiles = readFiles;
  }

  async function sampleWhenOld(): Promise<void> {
    if (sampling === null && clock.elapsed() - sampledMs >= SAMPLE_MS) {
      sampledMs = clock.elapsed();
      sampling = sample().finally(() => {
        sampling = null;
      });
    }
    if (sampling !== null) await withinTime(sampling);
  }

  function delayFamilies(): MetricFamily[] {
    const seconds = (nanoseconds: number) => Math.max(0, nanoseconds / 1e9 - DELAY_RESOLUTION_MS / 1_000);
    const families = [50, 99].map((percent) => {
      const help = `Delay of the event loop, percentile ${percent} of at most the last minute`;
      return plainFamily(
        'gauge',
        `nodejs_eventloop_lag_p${percent}_seconds`,
        help,
        seconds(delay.percentile(percent)),
      );
    });
    if (clock.elapsed() - delayResetMs >= DELAY_WINDOW_MS) {
      delayResetMs = clock.elapsed();
      delay.reset();
    }
    return families;
  }

  function diskFamily(name: string, help: string, read: (disk: Disk) => number): MetricFamily {
    const samples = disks.map((disk) => ({
      sharedLabels: diskLabels.get(disk.directory) ?? {},
      value: read(disk),
    }));
    return { name, help, type: 'gauge', samples };
  }

  return {
    families: async () => {
      await sampleWhenOld();
      const cpu = process.cpuUsage();
      const memory = process.memoryUsage();
      const gauge = (name: string, help: string, value: number) => plainFamily('gauge', name, help, value);
      const counter = (name: string, help: string, value: number) =>
        plainFamily('counter', name, help, value);
      return [
        counter('process_cpu_user_seconds_total', 'User CPU time', cpu.user / 1e6),
        counter('process_cpu_system_seconds_total', 'System CPU time', cpu.system / 1e6),
        counter('process_cpu_seconds_total', 'User and system CPU time', (cpu.user + cpu.system) / 1e6),
        gauge('process_start_time_seconds', 'Start of the process since the Unix epoch', startSeconds),
        gauge('process_resident_memory_bytes', 'Resident memory', memory.rss),
        ...(openFiles === null ? [] : [gauge('process_open_fds', 'Open file descriptors', openFiles)]),
        ...(maxOpenFiles === null
          ? []
          : [gauge('process_max_fds', 'Most open file descriptors', maxOpenFiles)]),
        gauge('nodejs_heap_size_total_bytes', 'Size of the JavaScript heap', memory.heapTotal),
        gauge('nodejs_heap_size_used_bytes', 'Used part of the JavaScript heap', memory.heapUsed),
        gauge(
          'nodejs_external_memory_bytes',
          'Memory outside the heap that JavaScript holds',
          memory.external,
        ),
        ...delayFamilies(),
        gauge(
          'slipway_event_loop_utilization_ratio',
          'Part of the time that the event loop was busy, since the sample before',
          loopUtilization,
        ),
        ...collections.families(),
        diskFamily(
          'slipway_disk_free_bytes',
          'Free bytes of the file system of a directory',
          (disk) => disk.freeBytes,
        ),
        diskFamily(
          'slipway_disk_size_bytes',
          'Size of the file system of a directory',
          (disk) => disk.sizeBytes,
        ),
        {
          name: 'slipway_build_info',
          help: 'Version of Slipway and of Node.js; always 1',
          type: 'gauge',
          samples: [{ sharedLabels: build, value: 1 }],
        },
      ];
    },
    close: () => {
      delay.disable();
      observer.disconnect();
    },
  };
}

async function readDisk(directory: string): Promise<Disk | null> {
  try {
    const { bavail, blocks, bsize } = await statfs(directory);
    return { directory, freeBytes: bavail * bsize, sizeBytes: blocks * bsize };
  } catch {
    return null;
  }
}

/** A network file system that hangs must not hang the scrape. */
async function withinTime(work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, MOST_WAIT_MS);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}

function readMaxOpenFiles(): number | null {
  try {
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return limit === undefined ? null : Number(limit);
  } catch {
    return null;
  }
}
