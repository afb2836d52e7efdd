import { bareObject } from './config-layers.ts';

/** MLflow's own variables (mlflow.org/docs: environment variables), and the settings that they stand for. */
const SETTINGS: Readonly<Record<string, string>> = {
  MLFLOW_TRACKING_TOKEN: 'token',
  MLFLOW_TRACKING_USERNAME: 'username',
  MLFLOW_TRACKING_PASSWORD: 'password',
  MLFLOW_TRACKING_SERVER_CERT_PATH: 'ca_file',
};

/**
 * What a notebook's environment says of the MLflow server, as the least of all layers. A tracking URI that is no server
 * (a directory, a database) is nothing that Slipway can follow, and is passed over.
 */
export function readMlflowEnv(env: Readonly<Record<string, string | undefined>>): Record<string, unknown> {
  const mlflow = bareObject();
  const url = env['MLFLOW_REGISTRY_URI'] || env['MLFLOW_TRACKING_URI'];
  if (url !== undefined && /^https?:\/\//.test(url)) mlflow['url'] = url;
  for (const [name, setting] of Object.entries(SETTINGS)) if (env[name]) mlflow[setting] = env[name];
  const registry = bareObject();
  const root = bareObject();
  if (Object.keys(mlflow).length === 0) return root;
  registry['mlflow'] = mlflow;
  root['registry'] = registry;
  return root;
}
