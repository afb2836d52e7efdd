import { buildEnvironment } from './environment-build.ts';
import { preflight } from './environment-preflight.ts';
import type { PythonProgram } from './environment-process.ts';

export interface EnvironmentOptions {
  /** A name on the PATH, or a path. */
  readonly interpreter: string;
  /** `model`: an environment made of what each model asks for. */
  readonly kind: 'system' | 'model';
  /** Where environments of models are kept. */
  readonly directory: string;
  /** The folder that has the Python package `slipway_worker`. */
  readonly packageDirectory: string;
  /** The server's environment; installers get what they need of it. */
  readonly serverVariables: Readonly<Record<string, string | undefined>>;
  readonly buildTimeoutMs: number;
  /** What an installer says while it works. */
  onProgress(line: string): void;
  /** What of a model's requirements is there in another version. */
  onWarning(line: string): void;
}

const PREFLIGHT_TIMEOUT_MS = 30_000;
/** What finds interpreters, indexes of packages and certificates; nothing else of the server's environment. */
const INSTALLER_VARIABLES =
  /^(PATH|HOME|USER|LANG|LC_\w+|TZ|TMPDIR|XDG_CACHE_HOME|SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE|(HTTPS?|NO|ALL)_PROXY|(PIP|UV)_\w+|PYENV_\w+|LD_LIBRARY_PATH)$/i;

/** Interpreters for models: the one that is configured, or one of an environment made for the model. */
export class PythonEnvironments {
  readonly #options: EnvironmentOptions;

  constructor(options: EnvironmentOptions) {
    this.#options = options;
  }

  /**
   * The interpreter that runs the model whose files are in `directory`. Nothing of the model has run by then.
   * ENVIRONMENT_INCOMPLETE names what is missing.
   */
  async interpreterFor(directory: string): Promise<string> {
    const { kind, interpreter, directory: root, onProgress, onWarning } = this.#options;
    const python =
      kind === 'system'
        ? interpreter
        : await buildEnvironment(
            this.#program(interpreter, this.#options.buildTimeoutMs),
            { root, directory },
            onProgress,
          );
    for (const line of await preflight(this.#program(python, PREFLIGHT_TIMEOUT_MS), directory))
      onWarning(line);
    return python;
  }

  #program(python: string, timeoutMs: number): PythonProgram {
    const { packageDirectory, serverVariables } = this.#options;
    return { python, packageDirectory, timeoutMs, variables: installerVariables(serverVariables) };
  }
}

function installerVariables(server: EnvironmentOptions['serverVariables']): Readonly<Record<string, string>> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(server))
    if (value !== undefined && INSTALLER_VARIABLES.test(name)) kept[name] = value;
  return kept;
}
