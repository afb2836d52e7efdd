import { AppError } from '../../../kernel/errors.ts';
import type { ModelFormat } from '../../runtimes/runtime.ts';

/** What the files of a model are. */
export interface Recognised {
  readonly format: ModelFormat;
  /** The file that the model is known by. */
  readonly entry: string;
  /** The word for it beside MLflow's: who made the file. */
  readonly flavor: string;
}

/** Document of a model that another server has. */
export const REMOTE_FILE = 'remote.json';

/** Model files of Python's libraries by their endings. Those that are not code are read by their own library. */
const PYTHON_FILES: readonly (readonly [RegExp, string])[] = [
  [/\.(pkl|pickle)$/i, 'pickle'],
  [/\.joblib$/i, 'joblib'],
  [/\.skops$/i, 'skops'],
  [/\.(ubj|xgb|bst)$/i, 'xgboost_native'],
  [/\.(lgb|lgbm)$/i, 'lightgbm_native'],
];
/** Endings that other files have too: their first bytes decide. */
const AMBIGUOUS_FILES: readonly (readonly [RegExp, (head: string) => string | null])[] = [
  [/\.json$/i, (head) => (/^\s*\{\s*"(learner|version)"/.test(head) ? 'xgboost_native' : null)],
  [
    /\.model$/i,
    (head) =>
      head.startsWith('tree') ? 'lightgbm_native' : /^(\s*\{|\{L)/.test(head) ? 'xgboost_native' : null,
  ],
  [/\.txt$/i, (head) => (/^tree\r?\n/.test(head) ? 'lightgbm_native' : null)],
];
/** What lies beside a model in a notebook's folder and is none. */
const NOT_THE_MODEL =
  /scaler|encod|feature|column|vectori[sz]er|imputer|preproc|transformer|mapping|metadata|metrics|^(sc|le|ohe|oe)[._]/i;

/** What one file is by its name and first bytes; null where it is no model. */
export function recogniseFile(name: string, head: string): Recognised | null {
  const base = name.slice(name.lastIndexOf('/') + 1);
  if (/\.onnx$/i.test(base)) return { format: 'onnx', entry: name, flavor: 'onnx' };
  if (base === REMOTE_FILE) return { format: 'remote', entry: name, flavor: 'remote' };
  const known = PYTHON_FILES.find(([ending]) => ending.test(base))?.[1];
  if (known !== undefined) return { format: 'python', entry: name, flavor: known };
  for (const [ending, flavorOf] of AMBIGUOUS_FILES) {
    const flavor = ending.test(base) ? flavorOf(head) : null;
    if (flavor !== null) return { format: 'python', entry: name, flavor };
  }
  return null;
}

/**
 * What a directory without an MLmodel file is; `headOf` gives the first bytes of a file. MODEL_UNREADABLE says what was
 * looked for, or names the files that could each be the model.
 */
export function recogniseDirectory(
  directory: string,
  names: readonly string[],
  headOf: (name: string) => string,
): Recognised {
  if (names.includes(REMOTE_FILE)) return { format: 'remote', entry: REMOTE_FILE, flavor: 'remote' };
  const text = recogniseText(names);
  if (text !== null) return text;
  const top = names.filter((name) => !name.includes('/'));
  const models = top.flatMap((name) => recogniseFile(name, headOf(name)) ?? []);
  const graphs = models.filter(({ format }) => format === 'onnx');
  if (graphs.length === 1 && graphs[0] !== undefined) return graphs[0];
  const likely = models.filter(({ entry, format }) => format === 'python' && !NOT_THE_MODEL.test(entry));
  const named = likely.filter(({ entry }) => /^model\.[^.]+$/i.test(entry));
  const chosen = named.length === 1 ? named : likely;
  if (chosen.length === 1 && chosen[0] !== undefined) return chosen[0];
  throw new AppError(
    'MODEL_UNREADABLE',
    chosen.length > 1 || graphs.length > 1
      ? `${directory} has several files that could be the model: ${[...graphs, ...likely].map(({ entry }) => entry).join(', ')}; name the one that is model.*, or leave the others out`
      : `${directory} has no model that Slipway knows: a directory that mlflow saved (with its MLmodel file), an .onnx file, a pickle, joblib, XGBoost or LightGBM file, or a translation model (config.json with ONNX files, or Marian's .bin and .spm)`,
  );
}

/** Encoder and decoder as Hugging Face's exporters lay them, or Marian's weights beside their vocabulary. */
function recogniseText(names: readonly string[]): Recognised | null {
  const hasDecoder = names.some((name) => /(^|\/)decoder_model(_merged)?(_\w+)?\.onnx$/.test(name));
  if (names.includes('config.json') && hasDecoder)
    return { format: 'text', entry: 'config.json', flavor: 'huggingface_onnx' };
  const weights = names.find((name) => /(^|\/)[^/]*\.(bin|npz)$/.test(name) && !/lex|shortlist/i.test(name));
  const hasVocabulary = names.some((name) => name.endsWith('.spm'));
  if (weights !== undefined && hasVocabulary) return { format: 'text', entry: weights, flavor: 'marian' };
  return null;
}
