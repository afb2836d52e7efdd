import type { Readable } from 'node:stream';
import { z } from 'zod';
import { AppError } from '../../../kernel/errors.ts';
import {
  fileList,
  loggedModel,
  type MlflowFile,
  type MlflowLoggedModel,
  type MlflowModel,
  type MlflowRun,
  type MlflowVersion,
  modelVersion,
  registeredModel,
  run,
} from './mlflow-answers.ts';
import { MlflowHttp, type MlflowServer } from './mlflow-http.ts';

const nothing = z.unknown();
const oneModel = z.object({ registered_model: registeredModel });
const oneVersion = z.object({ model_version: modelVersion });
const oneRun = z.object({ run });
const modelPage = z
  .object({ registered_models: z.array(registeredModel).default([]), next_page_token: z.string().nullish() })
  .transform(({ registered_models: items, next_page_token: next }) => ({ items, next }));
const versionPage = z
  .object({ model_versions: z.array(modelVersion).default([]), next_page_token: z.string().nullish() })
  .transform(({ model_versions: items, next_page_token: next }) => ({ items, next }));

/**
 * MLflow's REST API, version 2.0, as far as a registry needs it (mlflow.org/docs: REST API). Fails as `MlflowHttp` does.
 */
export class MlflowClient {
  readonly #http: MlflowHttp;

  constructor(server: MlflowServer) {
    this.#http = new MlflowHttp(server);
  }

  close(): Promise<void> {
    return this.#http.close();
  }

  async model(name: string): Promise<MlflowModel> {
    return (await this.#http.get('mlflow/registered-models/get', { name }, oneModel)).registered_model;
  }

  models(): Promise<readonly MlflowModel[]> {
    return this.#http.pages('mlflow/registered-models/search', {}, modelPage);
  }

  /** Newest first. */
  async versions(name: string): Promise<readonly MlflowVersion[]> {
    const filter = `name='${name.replaceAll("'", "\\'")}'`;
    const found = await this.#http.pages('mlflow/model-versions/search', { filter }, versionPage);
    return [...found].sort((a, b) => Number(b.version) - Number(a.version));
  }

  async version(name: string, version: string): Promise<MlflowVersion> {
    return (await this.#http.get('mlflow/model-versions/get', { name, version }, oneVersion)).model_version;
  }

  async versionByAlias(name: string, alias: string): Promise<MlflowVersion> {
    return (await this.#http.get('mlflow/registered-models/alias', { name, alias }, oneVersion))
      .model_version;
  }

  /** The newest version in each of the stages; of all stages where none is given. */
  async latestVersions(name: string, stages: readonly string[]): Promise<readonly MlflowVersion[]> {
    const body = { name, stages };
    return (await this.#http.post('mlflow/registered-models/get-latest-versions', body, versionPage)).items;
  }

  async downloadUri(name: string, version: string): Promise<string> {
    const answer = z.object({ artifact_uri: z.string() });
    return (await this.#http.get('mlflow/model-versions/get-download-uri', { name, version }, answer))
      .artifact_uri;
  }

  async run(runId: string): Promise<MlflowRun> {
    return (await this.#http.get('mlflow/runs/get', { run_id: runId }, oneRun)).run;
  }

  /** A model of MLflow 3, which lies beside its run and not in it. */
  async loggedModel(modelId: string): Promise<MlflowLoggedModel> {
    const route = `mlflow/logged-models/${encodeURIComponent(modelId)}`;
    return (await this.#http.get(route, {}, z.object({ model: loggedModel }))).model.info;
  }

  async setAlias(name: string, alias: string, version: string): Promise<void> {
    await this.#http.post('mlflow/registered-models/alias', { name, alias, version }, nothing);
  }

  async removeAlias(name: string, alias: string): Promise<void> {
    await this.#http.delete('mlflow/registered-models/alias', { name, alias });
  }

  /** The versions that were in the stage are archived, as the stage's one meaning has it. */
  async setStage(name: string, version: string, stage: string): Promise<void> {
    const body = {
      name,
      version,
      stage,
      archive_existing_versions: stage === 'Production' || stage === 'Staging',
    };
    await this.#http.post('mlflow/model-versions/transition-stage', body, nothing);
  }

  /** Nothing happens where there is a model of that name. */
  async createModel(name: string): Promise<void> {
    try {
      await this.model(name);
    } catch (error) {
      if (!isMissing(error)) throw error;
      await this.#http.post('mlflow/registered-models/create', { name }, nothing);
    }
  }

  async createVersion(version: {
    readonly name: string;
    readonly source: string;
    readonly runId: string;
    readonly tags: Readonly<Record<string, string>>;
    readonly description: string;
  }): Promise<MlflowVersion> {
    const { runId, tags, ...rest } = version;
    const body = { ...rest, run_id: runId, tags: pairsOf(tags) };
    return (await this.#http.post('mlflow/model-versions/create', body, oneVersion)).model_version;
  }

  /** A run in the experiment of that name, which is made where there is none. */
  async createRun(experiment: string, name: string, startTime: number): Promise<MlflowRun> {
    const body = { experiment_id: await this.#experiment(experiment), run_name: name, start_time: startTime };
    return (await this.#http.post('mlflow/runs/create', body, oneRun)).run;
  }

  async finishRun(
    runId: string,
    endTime: number,
    logged: {
      readonly metrics: Readonly<Record<string, number>>;
      readonly params: Readonly<Record<string, string>>;
    },
  ): Promise<void> {
    const metrics = Object.entries(logged.metrics).map(([key, value]) => ({
      key,
      value,
      timestamp: endTime,
      step: 0,
    }));
    const batch = { run_id: runId, metrics, params: pairsOf(logged.params) };
    await this.#http.post('mlflow/runs/log-batch', batch, nothing);
    const ended = { run_id: runId, status: 'FINISHED', end_time: endTime };
    await this.#http.post('mlflow/runs/update', ended, nothing);
  }

  /** Files directly in a directory of the server's artifact proxy; their paths are relative to it. */
  async proxiedFiles(directory: string): Promise<readonly MlflowFile[]> {
    return (await this.#http.get('mlflow-artifacts/artifacts', { path: directory }, fileList)).files;
  }

  openProxied(file: string, from: number, signal: AbortSignal | undefined): Promise<OpenFile> {
    return this.#http.download(proxyRoute(file), {}, from, signal);
  }

  /** Files directly in a directory of a run; their paths are relative to the run's root. */
  async runFiles(runId: string, directory: string): Promise<readonly MlflowFile[]> {
    const query = { run_id: runId, path: directory };
    return (await this.#http.get('mlflow/artifacts/list', query, fileList)).files;
  }

  openOfRun(runId: string, file: string, from: number, signal: AbortSignal | undefined): Promise<OpenFile> {
    return this.#http.download('/get-artifact', { run_id: runId, path: file }, from, signal);
  }

  /** Files directly in a directory of a logged model; their paths are relative to its root. */
  async loggedFiles(modelId: string, directory: string): Promise<readonly MlflowFile[]> {
    const route = `mlflow/logged-models/${encodeURIComponent(modelId)}/artifacts/directories`;
    return (await this.#http.get(route, { artifact_directory_path: directory }, fileList)).files;
  }

  openOfLogged(
    modelId: string,
    file: string,
    from: number,
    signal: AbortSignal | undefined,
  ): Promise<OpenFile> {
    const route = `/ajax-api/2.0/mlflow/logged-models/${encodeURIComponent(modelId)}/artifacts/files`;
    return this.#http.download(route, { artifact_file_path: file }, from, signal);
  }

  /** Puts a file at a path of the artifact proxy. */
  async upload(file: string, content: Uint8Array): Promise<void> {
    await this.#http.upload(proxyRoute(file), content);
  }

  async #experiment(name: string): Promise<string> {
    const id = z.object({ experiment_id: z.string() });
    try {
      const query = { experiment_name: name };
      const found = await this.#http.get(
        'mlflow/experiments/get-by-name',
        query,
        z.object({ experiment: id }),
      );
      return found.experiment.experiment_id;
    } catch (error) {
      if (!isMissing(error)) throw error;
      return (await this.#http.post('mlflow/experiments/create', { name }, id)).experiment_id;
    }
  }
}

/** A file's bytes, from the offset that was asked for where the server can do that. */
export interface OpenFile {
  readonly body: Readable;
  readonly isPart: boolean;
}

function proxyRoute(file: string): string {
  return `/api/2.0/mlflow-artifacts/artifacts/${file.split('/').map(encodeURIComponent).join('/')}`;
}

function isMissing(error: unknown): boolean {
  return error instanceof AppError && error.code === 'MODEL_NOT_FOUND';
}

function pairsOf(record: Readonly<Record<string, string>>): readonly { key: string; value: string }[] {
  return Object.entries(record).map(([key, value]) => ({ key, value }));
}
