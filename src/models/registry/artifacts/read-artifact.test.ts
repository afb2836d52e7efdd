import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readArtifact } from './read-artifact.ts';

const ORIGIN = { registry: 'embedded', digest: null } as const;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'slipway-artifact-test-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

async function write(files: Readonly<Record<string, string>>): Promise<string> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), text);
  }
  return folder;
}

describe('a folder as a notebook leaves it', () => {
  it('is taken whole, but for what tools and editors left', async () => {
    const read = await readArtifact(
      await write({
        'risk_model.pkl': 'pickle',
        'scaler.pkl': 'scaler',
        'helpers/text.py': 'x = 1',
        '__pycache__/text.pyc': '',
        '.ipynb_checkpoints/a.json': '{}',
        'training.ipynb': '{}',
      }),
      ORIGIN,
    );
    expect(read).toMatchObject({
      format: 'python',
      entry: 'risk_model.pkl',
      flavor: 'pickle',
      origin: ORIGIN,
    });
    expect([...read.files.keys()].sort()).toEqual(['helpers/text.py', 'risk_model.pkl', 'scaler.pkl']);
  });

  it('says in metadata.json what an MLmodel file says', async () => {
    const metadata = { name: 'risk', version: 'v1.2.0', task: 'classification', labels: [0, 1], auc: 0.9 };
    const read = await readArtifact(
      await write({ 'model.joblib': '', 'metadata.json': JSON.stringify(metadata) }),
      ORIGIN,
    );
    expect(read.declaration).toMatchObject({ name: 'risk', semver: '1.2.0', metadata });
    expect(read.declared).toMatchObject({ task: 'classification', labels: [0, 1], inputs: null });
  });

  it.each([
    ['{', 'metadata.json is not valid JSON'],
    ['{"version": 1.2}', "quote a version: '1.0'"],
  ])('is refused with metadata.json of %s', async (text, reason) => {
    await write({ 'model.joblib': '', 'metadata.json': text });
    await expect(readArtifact(folder, ORIGIN)).rejects.toThrow(reason);
  });
});

describe('one file', () => {
  it('is the whole artifact', async () => {
    await write({ 'model.json': '{"learner": {}}', 'other.txt': '' });
    const read = await readArtifact(path.join(folder, 'model.json'), ORIGIN);
    expect(read).toMatchObject({ format: 'python', entry: 'model.json', flavor: 'xgboost_native' });
    expect([...read.files.keys()]).toEqual(['model.json']);
  });

  it('that is no model is refused with what could be one', async () => {
    await write({ 'notes.txt': 'nothing' });
    await expect(readArtifact(path.join(folder, 'notes.txt'), ORIGIN)).rejects.toThrow('.joblib');
  });
});
