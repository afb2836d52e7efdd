import { describe, expect, it } from 'vitest';
import type { ModelArtifact } from './runtimes/runtime.ts';
import { executesCode, requireTrusted } from './trust.ts';

function artifact(
  flavor: string,
  names: readonly string[],
  more: Partial<ModelArtifact> = {},
): ModelArtifact {
  return {
    format: 'python',
    flavor,
    entry: names[0] ?? '',
    files: new Map(names.map((name) => [name, Buffer.from(name)])),
    declared: { inputs: null, outputs: null, params: [], task: null, labels: null, positiveLabel: null },
    origin: { registry: 'embedded', digest: null },
    ...more,
  };
}

function refusal(model: ModelArtifact): string {
  try {
    requireTrusted(model, []);
  } catch (error) {
    return (error as Error).message;
  }
  return '';
}

describe('requireTrusted', () => {
  it('refuses a pickle that nobody named, and says how to name it', () => {
    expect(() => requireTrusted(artifact('pickle', ['model.pkl']), ['mlflow'])).toThrow(
      expect.objectContaining({ code: 'UNTRUSTED_CODE', message: expect.stringContaining('--trust') }),
    );
  });

  it('takes what is from a trusted registry, or has a trusted digest', () => {
    const digest = `sha256:${'a'.repeat(64)}`;
    requireTrusted(artifact('pickle', ['model.pkl']), ['embedded']);
    requireTrusted(artifact('pickle', ['model.pkl'], { origin: { registry: 'mlflow', digest } }), [digest]);
  });

  it('names a digest that holds before a registry completed the files and after', () => {
    const before = artifact('pickle', ['model.pkl']);
    const [digest = ''] = /sha256:[0-9a-f]{64}/.exec(refusal(before)) ?? [];
    const completed = new Map([
      ...before.files,
      ['slipway/golden.json', Buffer.from('[]')],
      ['MLmodel', Buffer.from('flavors:\n  slipway:\n    format: python\n')],
    ]);
    requireTrusted({ ...before, files: completed }, [digest]);
    const changed = new Map([...completed, ['model.pkl', Buffer.from('other')]]);
    expect(() => requireTrusted({ ...before, files: changed }, [digest])).toThrow('--trust');
  });

  it('lets data pass', () => {
    requireTrusted(artifact('onnx', ['model.onnx']), []);
    requireTrusted(artifact('xgboost_native', ['model.json']), []);
  });

  it.each(['feature_transformer.py', 'scaler.pkl', 'requirements.txt'])('refuses %s beside data', (file) => {
    expect(() => requireTrusted(artifact('xgboost_native', ['model.json', file]), [])).toThrow('--trust');
  });
});

describe('executesCode', () => {
  it('is said of a transform in code too', () => {
    const file = (path: string) => ({ path, sha256: '', bytes: 0 });
    expect(executesCode({ flavor: 'onnx', files: [file('model.onnx')] })).toBe(false);
    expect(executesCode({ flavor: 'onnx', files: [file('transform.mjs')] })).toBe(true);
    expect(executesCode({ flavor: 'sklearn', files: [file('MLmodel')] })).toBe(true);
  });
});
