import { readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { Agent, request } from 'undici';
import { z } from 'zod';
import { AppError, messageOf } from '../../../kernel/errors.ts';

/** Where an MLflow server is and who asks. */
export interface MlflowServer {
  /** `http(s)://host[:port][/path]`. */
  readonly url: string;
  readonly token: string | undefined;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** PEM file of the authority that signed the server's certificate. */
  readonly caFile: string | undefined;
}

const tags = z
  .array(z.object({ key: z.string(), value: z.string().default('') }))
  .default([])
  .transform((list) => Object.fromEntries(list.map(({ key, value }) => [key, value])));

const modelVersion = z.object({
  name: z.string(),
  version: z.coerce.string(),
  creation_timestamp: z.coerce.number().default(0),
  last_updated_timestamp: z.coerce.number().default(0),
  current_stage: z.string().default('None'),
  description: z.string().nullish(),
  source: z.string().default(''),
  run_id: z.string().nullish(),
  status: z.string().default('READY'),
  status_message: z.string().nullish(),
  tags,
  aliases: z.array(z.string()).default([]),
});
export type MlflowVersion = z.infer<typeof modelVersion>;

const registeredModel = z.object({
  name: z.string(),
  latest_versions: z.array(modelVersion).default([]),
  aliases: z.array(z.object({ alias: z.string(), version: z.coerce.string() })).default([]),
});
export type MlflowModel = z.infer<typeof registeredModel>;

const run = z.object({
  info: z.object({ run_id: z.string(), artifact_uri: z.string() }),
  data: z
    .object({
      metrics: z.array(z.object({ key: z.string(), value: z.coerce.number() })).default([]),
      params: z.array(z.object({ key: z.string(), value: z.string().default('') })).default([]),
    })
    .default({ metrics: [], params: [] }),
});
export type MlflowRun = z.infer<typeof run>;

const fileList = z.object({
  files: z
    .array(
      z.object({
        path: z.string(),
        is_dir: z.boolean().default(false),
        file_size: z.coerce.number().nullish(),
      }),
    )
    .default([]),
});
export type MlflowFile = z.infer<typeof fileList>['files'][number];

const TIMEOUT_MS = 10_000;
const PAGE = 200;
const MOST_PAGES = 10;

/**
 * MLflow's REST API, version 2.0, as far as a registry needs it (mlflow.org/docs: REST API). What the server says does
 * not exist is MODEL_NOT_FOUND or VERSION_NOT_FOUND; everything else that goes wrong is REGISTRY_UNAVAILABLE, with what the
 * server said.
 */
export class MlflowClient {
  readonly #server: MlflowServer;
  readonly #agent: Agent;

  constructor(server: MlflowServer) {
    this.#server = server;
    this.#agent = new Agent({
      headersTimeout: TIMEOUT_MS,
      bodyTimeout: TIMEOUT_MS,
      connect: {
        timeout: TIMEOUT_MS,
        ...(server.caFile !== undefined && { ca: readFileSync(server.caFile, 'utf8') }),
      },
    });
  }

  get url(): string {
    return this.#server.url;
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async model(name: string): Promise<MlflowModel> {
    const answer = await this.#get('registered-models/get', { name });
    return parsed(z.object({ registered_model: registeredModel }), answer).registered_model;
  }

  async models(): Promise<readonly MlflowModel[]> {
    const page = z.object({
      registered_models: z.array(registeredModel).default([]),
      next_page_token: z.string().nullish(),
    });
    return this.#pages('registered-models/search', {}, (answer) => {
      const { registered_models: items, next_page_token: next } = parsed(page, answer);
      return { items, next };
    });
  }

  /** Newest first. */
  async versions(name: string): Promise<readonly MlflowVersion[]> {
    const page = z.object({
      model_versions: z.array(modelVersion).default([]),
      next_page_token: z.string().nullish(),
    });
    const filter = `name='${name.replaceAll("'", "\\'")}'`;
    const found = await this.#pages('model-versions/search', { filter }, (answer) => {
      const { model_versions: items, next_page_token: next } = parsed(page, answer);
      return { items, next };
    });
    return [...found].sort((a, b) => Number(b.version) - Number(a.version));
  }

  async version(name: string, version: string): Promise<MlflowVersion> {
    return versionOf(await this.#get('model-versions/get', { name, version }));
  }

  async versionByAlias(name: string, alias: string): Promise<MlflowVersion> {
    return versionOf(await this.#get('registered-models/alias', { name, alias }));
  }

  /** The newest version in each of the stages; of all stages where none is given. */
  async latestVersions(name: string, stages: readonly string[]): Promise<readonly MlflowVersion[]> {
    const answer = await this.#post('registered-models/get-latest-versions', { name, stages });
    return parsed(z.object({ model_versions: z.array(modelVersion).default([]) }), answer).model_versions;
  }

  async downloadUri(name: string, version: string): Promise<string> {
    const answer = await this.#get('model-versions/get-download-uri', { name, version });
    return parsed(z.object({ artifact_uri: z.string() }), answer).artifact_uri;
  }

  async run(runId: string): Promise<MlflowRun> {
    return parsed(z.object({ run }), await this.#get('runs/get', { run_id: runId })).run;
  }

  async setAlias(name: string, alias: string, version: string): Promise<void> {
    await this.#post('registered-models/alias', { name, alias, version });
  }

  async removeAlias(name: string, alias: string): Promise<void> {
    await this.#json('DELETE', 'registered-models/alias', {}, { name, alias });
  }

  /** The versions that were in the stage are archived, as the stage's one meaning has it. */
  async setStage(name: string, version: string, stage: string): Promise<void> {
    const body = {
      name,
      version,
      stage,
      archive_existing_versions: stage === 'Production' || stage === 'Staging',
    };
    await this.#post('model-versions/transition-stage', body);
  }

  /** Nothing happens where there is a model of that name. */
  async createModel(name: string): Promise<void> {
    try {
      await this.model(name);
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'MODEL_NOT_FOUND') throw error;
      await this.#post('registered-models/create', { name });
    }
  }

  async createVersion(version: {
    readonly name: string;
    readonly source: string;
    readonly runId: string;
    readonly tags: Readonly<Record<string, string>>;
    readonly description: string;
  }): Promise<MlflowVersion> {
    const { runId, tags: pairs, ...rest } = version;
    return versionOf(
      await this.#post('model-versions/create', { ...rest, run_id: runId, tags: pairsOf(pairs) }),
    );
  }

  /** A run in the experiment of that name, which is made where there is none. */
  async createRun(experiment: string, name: string, startTime: number): Promise<MlflowRun> {
    const body = { experiment_id: await this.#experiment(experiment), run_name: name, start_time: startTime };
    return parsed(z.object({ run }), await this.#post('runs/create', body)).run;
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
    await this.#post('runs/log-batch', { run_id: runId, metrics, params: pairsOf(logged.params) });
    await this.#post('runs/update', { run_id: runId, status: 'FINISHED', end_time: endTime });
  }

  /** Files directly in a directory of the server's artifact proxy; their paths are relative to it. */
  async proxiedFiles(directory: string): Promise<readonly MlflowFile[]> {
    const answer = await this.#json('GET', '../mlflow-artifacts/artifacts', { path: directory });
    return parsed(fileList, answer).files;
  }

  /** Files directly in a directory of a run; their paths are relative to the run's root. */
  async runFiles(runId: string, directory: string): Promise<readonly MlflowFile[]> {
    return parsed(fileList, await this.#get('artifacts/list', { run_id: runId, path: directory })).files;
  }

  /** The bytes of a file by its path on the server, from an offset on where it can; `isPart` says whether it did. */
  async download(
    route: string,
    query: Readonly<Record<string, string>>,
    from: number,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly body: Readable; readonly isPart: boolean }> {
    const { statusCode, body } = await this.#request('GET', route, query, {
      headers: from > 0 ? { range: `bytes=${from}-` } : {},
      signal,
    });
    if (statusCode >= 400) throw refusal(statusCode, await body.text(), route);
    return { body, isPart: statusCode === 206 };
  }

  /** Puts a file at a path of the artifact proxy. */
  async upload(path: string, content: Uint8Array): Promise<void> {
    const route = `/api/2.0/mlflow-artifacts/artifacts/${encodedPath(path)}`;
    const { statusCode, body } = await this.#request('PUT', route, {}, { body: Buffer.from(content) });
    const text = await body.text();
    if (statusCode >= 400) throw refusal(statusCode, text, route);
  }

  async #experiment(name: string): Promise<string> {
    const id = z.object({ experiment: z.object({ experiment_id: z.string() }) });
    try {
      return parsed(id, await this.#get('experiments/get-by-name', { experiment_name: name })).experiment
        .experiment_id;
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'MODEL_NOT_FOUND') throw error;
      const made = await this.#post('experiments/create', { name });
      return parsed(z.object({ experiment_id: z.string() }), made).experiment_id;
    }
  }

  async #pages<Item>(
    route: string,
    query: Readonly<Record<string, string>>,
    read: (answer: unknown) => { readonly items: readonly Item[]; readonly next: string | null | undefined },
  ): Promise<readonly Item[]> {
    const all: Item[] = [];
    let token: string | null | undefined = '';
    for (let page = 0; page < MOST_PAGES && token !== undefined && token !== null; page++) {
      const paging: Record<string, string> = token === '' ? {} : { page_token: token };
      const { items, next } = read(
        await this.#get(route, { ...query, ...paging, max_results: String(PAGE) }),
      );
      all.push(...items);
      token = next === '' ? undefined : next;
    }
    return all;
  }

  #get(route: string, query: Readonly<Record<string, string>>): Promise<unknown> {
    return this.#json('GET', route, query);
  }

  #post(route: string, body: object): Promise<unknown> {
    return this.#json('POST', route, {}, body);
  }

  async #json(
    method: 'GET' | 'POST' | 'DELETE',
    route: string,
    query: Readonly<Record<string, string>>,
    content?: object,
  ): Promise<unknown> {
    const path = `/api/2.0/${route.startsWith('../') ? route.slice(3) : `mlflow/${route}`}`;
    const { statusCode, body } = await this.#request(method, path, query, {
      ...(content !== undefined && {
        body: JSON.stringify(content),
        headers: { 'content-type': 'application/json' },
      }),
    });
    const text = await body.text();
    if (statusCode >= 400) throw refusal(statusCode, text, path);
    try {
      return JSON.parse(text) as unknown;
    } catch {
      throw unavailable(
        `${path} answered something that is not JSON: is ${this.#server.url} an MLflow server?`,
      );
    }
  }

  async #request(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    query: Readonly<Record<string, string>>,
    options: {
      readonly body?: string | Buffer;
      readonly headers?: Readonly<Record<string, string>>;
      readonly signal?: AbortSignal | undefined;
    },
  ) {
    const url = new URL(`${this.#server.url.replace(/\/+$/, '')}${path}`);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    try {
      return await request(url, {
        method,
        dispatcher: this.#agent,
        body: options.body ?? null,
        headers: { ...options.headers, ...this.#credentials() },
        ...(options.signal !== undefined && { signal: options.signal }),
      });
    } catch (error) {
      throw unavailable(`${this.#server.url} cannot be reached: ${reasonOf(error)}`, error);
    }
  }

  #credentials(): Readonly<Record<string, string>> {
    const { token, username, password } = this.#server;
    if (token !== undefined) return { authorization: `Bearer ${token}` };
    if (username === undefined) return {};
    return { authorization: `Basic ${Buffer.from(`${username}:${password ?? ''}`).toString('base64')}` };
  }
}

/** A path of an artifact as part of a URL. */
export function encodedPath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}

function versionOf(answer: unknown): MlflowVersion {
  return parsed(z.object({ model_version: modelVersion }), answer).model_version;
}

function pairsOf(record: Readonly<Record<string, string>>): readonly { key: string; value: string }[] {
  return Object.entries(record).map(([key, value]) => ({ key, value }));
}

function parsed<Output>(schema: z.ZodType<Output>, answer: unknown): Output {
  const result = schema.safeParse(answer);
  if (result.success) return result.data;
  throw unavailable(`MLflow answered in a form that is not known: ${z.prettifyError(result.error)}`);
}

/** `{error_code, message}` of the server. A missing alias is 400 there, a missing model 404. */
function refusal(status: number, text: string, route: string): AppError {
  let code = '';
  let message = text.slice(0, 300);
  try {
    const body = JSON.parse(text) as { error_code?: unknown; message?: unknown };
    if (typeof body.error_code === 'string') code = body.error_code;
    if (typeof body.message === 'string') message = body.message.slice(0, 300);
  } catch {
    // Not MLflow's form: a proxy before it, or a page; the text itself says what it is.
  }
  const isMissing = code === 'RESOURCE_DOES_NOT_EXIST' || (code === '' && status === 404);
  if (isMissing) {
    const isVersion = /version|alias/i.test(message);
    return new AppError(isVersion ? 'VERSION_NOT_FOUND' : 'MODEL_NOT_FOUND', `MLflow: ${message}`);
  }
  if (code === 'INVALID_PARAMETER_VALUE' && /alias/i.test(message))
    return new AppError('VERSION_NOT_FOUND', `MLflow: ${message}`);
  if (status === 401 || status === 403) {
    return unavailable(
      `MLflow does not let Slipway in (${status}): set MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD`,
    );
  }
  return unavailable(`${route} answered ${status}: ${message}`);
}

function unavailable(message: string, cause?: unknown): AppError {
  return new AppError('REGISTRY_UNAVAILABLE', message, { cause, retryAfterSeconds: 5 });
}

/** Of several addresses that were tried Node throws one error without a message. */
function reasonOf(error: unknown): string {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: unknown };
  const text = messageOf(error);
  if (text !== '') return text;
  return typeof code === 'string' ? code : messageOf(cause);
}
