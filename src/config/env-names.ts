import type { ConfigPath } from './config-path.ts';

export const ENV_PREFIX = 'SLIPWAY_';

/** Variables of the command line itself, which are no keys of the configuration. */
export const RESERVED_ENV: ReadonlyMap<string, string> = new Map([
  ['SLIPWAY_CONFIG', 'path of the configuration file, as `--config`'],
]);

/** `server.port` → `SLIPWAY_SERVER_PORT`. */
export function envNameOf(path: ConfigPath): string {
  return ENV_PREFIX + path.join('_').toUpperCase();
}

/** The variable that names a file which holds the secret. */
export function fileEnvNameOf(envName: string): string {
  return `${envName}_FILE`;
}

const SERVICE_HOST = /^(.+)_SERVICE_HOST$/;
const SERVICE_ADDRESS = /^(tcp|udp|sctp):\/\//;

/**
 * The variables that Kubernetes adds to a pod for the Services of its namespace. A Service named `slipway`
 * gives `SLIPWAY_PORT=tcp://…`, one named `slipway-server` even `SLIPWAY_SERVER_PORT=tcp://…`: none is ours.
 */
export function kubernetesServiceVariables(env: Readonly<Record<string, string | undefined>>): Set<string> {
  const found = new Set<string>();
  for (const name of Object.keys(env)) {
    const service = SERVICE_HOST.exec(name)?.[1];
    if (service === undefined || env[`${service}_SERVICE_PORT`] === undefined) continue;
    const pattern = new RegExp(
      `^${service}_(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT_\\d+_(TCP|UDP|SCTP)(_.+)?)$`,
    );
    for (const other of Object.keys(env)) if (pattern.test(other)) found.add(other);
    if (SERVICE_ADDRESS.test(env[`${service}_PORT`] ?? '')) found.add(`${service}_PORT`);
  }
  return found;
}
