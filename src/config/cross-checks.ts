import { messageOf } from '../kernel/errors.ts';
import type { ConfigPath } from './config-path.ts';
import type { ConfigProblem } from './config-problems.ts';
import type { Config } from './schema.ts';

export interface CrossCheckInput {
  readonly config: Config;
  /** Every endpoint that was named, those with problems of their own too. */
  readonly endpointNames: readonly string[];
  /** Whether a file, the environment or a flag gave the setting. */
  readonly isSet: (path: ConfigPath) => boolean;
  /** Throws when the file cannot be read. */
  readonly checkReadable: (file: string) => void;
}

interface CrossCheck {
  /** The settings that the check compares; it is left out when one of them is already wrong. */
  readonly reads: readonly ConfigPath[];
  readonly problems: (input: CrossCheckInput) => readonly ConfigProblem[];
}

const CHECKS: readonly CrossCheck[] = [
  {
    reads: [
      ['server', 'keep_alive_timeout_ms'],
      ['server', 'shutdown_grace_ms'],
    ],
    problems: ({ config: { server } }) =>
      server.keep_alive_timeout_ms < server.shutdown_grace_ms
        ? []
        : [{ path: ['server', 'keep_alive_timeout_ms'], message: 'must be below server.shutdown_grace_ms' }],
  },
  {
    reads: [['grpc', 'enabled']],
    problems: ({ config, isSet }) =>
      (['port', 'max_connection_age_ms'] as const)
        .map((key) => ['grpc', key])
        .filter((path) => !config.grpc.enabled && isSet(path))
        .map((path) => ({ path, message: 'has no effect unless grpc.enabled is true' })),
  },
  {
    reads: [['grpc'], ['server', 'port']],
    problems: ({ config: { grpc, server } }) =>
      grpc.enabled && grpc.port !== 0 && grpc.port === server.port
        ? [{ path: ['grpc', 'port'], message: 'must be another than server.port' }]
        : [],
  },
  {
    reads: [['remote']],
    problems: ({ config: { remote } }) =>
      remote.servers.length === 0 && Object.keys(remote.headers).length > 0
        ? [{ path: ['remote', 'servers'], message: 'must name the servers that remote.headers are sent to' }]
        : [],
  },
  {
    reads: [['server', 'tls']],
    problems: ({ config: { server }, checkReadable }) =>
      (['cert_file', 'key_file', 'ca_file'] as const).flatMap((key) => {
        const file = server.tls?.[key];
        return file === undefined ? [] : unreadableFile(['server', 'tls', key], file, checkReadable);
      }),
  },
  {
    reads: [['default_endpoint']],
    problems: ({ config, endpointNames }) => {
      const name = config.default_endpoint;
      const path = ['default_endpoint'];
      if (name === undefined) {
        if (endpointNames.length < 2) return [];
        return [
          { path, message: `must name the endpoint of POST /predict, as there are ${endpointNames.length}` },
        ];
      }
      return endpointNames.includes(name) ? [] : [{ path, message: 'names no endpoint' }];
    },
  },
  {
    reads: [['prediction_log', 'hash_key']],
    problems: ({ config }) => {
      if (config.prediction_log.hash_key !== undefined) return [];
      return Object.entries(config.endpoints).flatMap(([name, { redact }]) =>
        Object.entries(redact)
          .filter(([, way]) => way === 'hash')
          .map(([field]) => ({
            path: ['endpoints', name, 'redact', field],
            message: '`hash` needs prediction_log.hash_key',
          })),
      );
    },
  },
  {
    reads: [
      ['prediction_log', 'fsync'],
      ['prediction_log', 'fsync_interval_ms'],
    ],
    problems: ({ config, isSet }) => {
      const path = ['prediction_log', 'fsync_interval_ms'];
      if (!isSet(path) || config.prediction_log.fsync === 'interval') return [];
      return [{ path, message: 'has no effect unless prediction_log.fsync is `interval`' }];
    },
  },
];

function unreadableFile(
  path: ConfigPath,
  file: string,
  checkReadable: (file: string) => void,
): ConfigProblem[] {
  try {
    checkReadable(file);
    return [];
  } catch (thrown) {
    return [{ path, message: `names a file that cannot be read: ${messageOf(thrown)}` }];
  }
}

/** What no setting alone shows. `wrong` are the paths that have a problem already. */
export function crossProblems(input: CrossCheckInput, wrong: readonly ConfigPath[]): ConfigProblem[] {
  const spoiled = (path: ConfigPath) => wrong.some((other) => isWithin(path, other) || isWithin(other, path));
  return CHECKS.flatMap(({ reads, problems }) => (reads.some(spoiled) ? [] : problems(input)));
}

function isWithin(path: ConfigPath, section: ConfigPath): boolean {
  return section.every((segment, index) => path[index] === segment);
}
