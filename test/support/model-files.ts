import path from 'node:path';
import { root } from './server.ts';

const FIXTURES = ['sklearn-ridge', 'xgboost-regressor', 'sklearn-gbr'];

/** One of three models that differ; `which` is 1, 2 or 3. */
export function modelFile(which: number): string {
  return path.join(root, 'test/models/fixtures', FIXTURES[which - 1] ?? '', 'model.onnx');
}
