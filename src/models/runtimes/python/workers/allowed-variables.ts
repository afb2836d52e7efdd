/** Variables of the server's environment that a worker gets: where things are, the language, how many threads. */
const ALLOWED =
  /^(PATH|HOME|USER|LOGNAME|LANG|LANGUAGE|LC_[A-Z]+|TZ|TZDIR|TMPDIR|LD_LIBRARY_PATH|VIRTUAL_ENV|CONDA_PREFIX|CUDA_VISIBLE_DEVICES|MALLOC_[A-Z_]+|(OMP|MKL|OPENBLAS|NUMEXPR|KMP|BLIS|VECLIB)_[A-Z_]+)$/;

/** Rows are few and workers several: more threads than one cost more than they bring, and memory for each. */
const ONE_THREAD = {
  OMP_NUM_THREADS: '1',
  OPENBLAS_NUM_THREADS: '1',
  MKL_NUM_THREADS: '1',
  NUMEXPR_NUM_THREADS: '1',
};

/** The environment of a worker, made of the server's; nothing of it that could be a secret. */
export function allowedVariables(
  server: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const allowed: Record<string, string> = { ...ONE_THREAD };
  for (const [name, value] of Object.entries(server))
    if (value !== undefined && ALLOWED.test(name)) allowed[name] = value;
  return allowed;
}
