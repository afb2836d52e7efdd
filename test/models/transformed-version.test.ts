import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRegistry } from '../../src/composition/open-registry.ts';
import { pathsOf } from '../../src/composition/paths.ts';
import { configSchema } from '../../src/config/schema.ts';
import { isJsonObject, type JsonObject } from '../../src/kernel/json.ts';
import { silentLogger } from '../../src/kernel/logger.ts';
import type { ModelVersion } from '../../src/models/model-version.ts';
import type { ModelRegistry, VersionArtifact } from '../../src/models/registry/registry.ts';
import { codeFiles, documentFiles, TRANSFORM_FILE } from '../../src/models/transform-files.ts';
import { loadModel } from '../../src/serving/served-version.ts';
import { WARD_ROW, WARD_TRANSFORM } from '../support/ward-transform.ts';

const FIXTURE = path.join(import.meta.dirname, 'fixtures/xgboost-binary/model.onnx');
describe('a version with a transform', () => {
  const cwd = mkdtempSync(path.join(tmpdir(), 'slipway-transformed-'));
  let session: Awaited<ReturnType<typeof openRegistry>>;
  let version: ModelVersion;

  beforeAll(async () => {
    const config = configSchema.parse({});
    session = await openRegistry(config, pathsOf(config, cwd), cwd, silentLogger);
    const registered = await session.embedded.register({
      location: FIXTURE,
      name: 'wards',
      transform: documentFiles(WARD_TRANSFORM),
      exampleRows: [WARD_ROW],
    });
    version = registered.version;
  });
  afterAll(async () => {
    await session.close();
    rmSync(cwd, { recursive: true, force: true });
  });

  /** The registry after somebody changed a file and everything that guards it but the golden examples. */
  function changed(change: (files: VersionArtifact) => VersionArtifact): ModelRegistry {
    const { registry } = session;
    return {
      listModels: () => registry.listModels(),
      getModel: (name, scheme) => registry.getModel(name, scheme),
      resolve: (reference) => registry.resolve(reference),
      fetch: async (wanted) => change(await registry.fetch(wanted)),
    };
  }

  function withTransform(edit: (document: typeof WARD_TRANSFORM) => void): ModelRegistry {
    return changed(({ artifact, ...rest }) => {
      const document = structuredClone(WARD_TRANSFORM);
      edit(document);
      const files = new Map([
        ...artifact.files,
        [TRANSFORM_FILE, Buffer.from(JSON.stringify(document))] as const,
      ]);
      return { ...rest, artifact: { ...artifact, files } };
    });
  }

  const refusal = (registry: ModelRegistry) =>
    loadModel(version, registry, session.runtime).then(
      () => null,
      ({ code, message }: { code: string; message: string }) => `${code}: ${message}`,
    );

  it('keeps raw rows, vectors and answers, edges among them, and holds at its load', async () => {
    const { model, golden } = await loadModel(version, session.embedded, session.runtime);
    await model.release();
    expect(golden[0]).toMatchObject({
      input: WARD_ROW,
      vector: [expect.any(Number), expect.any(Number), 3, 1, 0],
    });
    const inputs = golden.map((example) => example.input as JsonObject);
    expect(inputs.some((row) => row['texture'] === null)).toBe(true);
    expect(inputs.some((row) => row['radius'] === 100)).toBe(true);
    expect(golden.every((example) => example.vector?.length === 5)).toBe(true);
  });

  it.each<[string, (document: typeof WARD_TRANSFORM) => void, RegExp]>([
    [
      'another mean',
      (document) =>
        Object.assign(document.outputs[0]?.steps[1] as object, { fitted: { mean: 2.700001, scale: 0.35 } }),
      /GOLDEN_MISMATCH.*column 1 "radius".*log1p, standardise of radius/,
    ],
    [
      'an operation left out',
      (document) => document.outputs[0]?.steps.shift(),
      /GOLDEN_MISMATCH.*"radius".*: standardise of radius/,
    ],
    [
      'another operation',
      (document) => Object.assign(document.outputs[2]?.steps[0] as object, { op: 'day' }),
      /GOLDEN_MISMATCH.*column 3 "month" was 3 and is now 1: day of seen/,
    ],
    [
      'categories in another order',
      (document) =>
        Object.assign(document.outputs[3]?.steps[0] as object, { fitted: { categories: ['B', 'A'] } }),
      /GOLDEN_MISMATCH.*column 4 "ward_B" was 1 and is now 0: one_hot of ward/,
    ],
    [
      'swapped columns',
      (document) => document.outputs.splice(1, 2, ...document.outputs.slice(1, 3).reverse()),
      /GOLDEN_MISMATCH.*column 2 "month" was 20\.1.* and is now 3: month of seen/,
    ],
    [
      'another value for the missing',
      (document) => Object.assign(document.outputs[1]?.steps[0] as object, { fitted: { value: 17.300001 } }),
      /GOLDEN_MISMATCH.*"texture" was 17\.299.*: impute of texture/,
    ],
    [
      'a field with other bounds',
      (document) => Object.assign(document.fields[0] as object, { maximum: 200 }),
      /SIGNATURE_MISMATCH.*field 1 "radius"/,
    ],
    [
      'a column more',
      (document) => document.outputs.push({ name: 'again', from: 'radius', steps: [] }),
      /SIGNATURE_MISMATCH.*makes 6 columns, the model takes 5/,
    ],
  ])('refuses %s and names it', async (_, edit, reason) => {
    expect(await refusal(withTransform(edit))).toMatch(reason);
  });

  it("refuses another library's rounding: one step of float32 in one number", async () => {
    const nudged = changed(({ golden, ...rest }) => ({
      ...rest,
      golden: golden.map((example, i) =>
        i > 0
          ? example
          : { ...example, vector: (example.vector ?? []).map((n, c) => (c === 0 ? oneStepUp(n) : n)) },
      ),
    }));
    expect(await refusal(nudged)).toMatch(
      /GOLDEN_MISMATCH.*"radius" was .* and is now .*standardise of radius/,
    );
  });

  it('refuses labels in another order, and says which', async () => {
    const relabelled = changed(({ artifact, ...rest }) => ({
      ...rest,
      artifact: { ...artifact, declared: { ...artifact.declared, labels: [1, 0] } },
    }));
    expect(await refusal(relabelled)).toMatch(/SIGNATURE_MISMATCH.*its labels were \[0,1\] and are \[1,0\]/);
  });

  it('names the file that was changed on disk', async () => {
    const file = path.join(
      cwd,
      '.slipway/registry/wards',
      String(version.digest).replace('sha256:', '').slice(0, 16),
      TRANSFORM_FILE,
    );
    const before = readFileSync(file);
    const document: unknown = JSON.parse(String(before));
    if (!isJsonObject(document)) throw new Error('no transform');
    writeFileSync(file, JSON.stringify({ ...document, target: 'label' }));
    expect(await refusal(session.embedded)).toMatch(/DIGEST_MISMATCH: transform\.json is not the file/);
    writeFileSync(file, before);
    expect(await refusal(session.embedded)).toBeNull();
  });

  it('refuses a second transform, and one that does not fit, when it is registered', async () => {
    const location = path.join(
      cwd,
      '.slipway/registry/wards',
      String(version.digest).replace('sha256:', '').slice(0, 16),
    );
    await expect(
      session.embedded.register({ location, name: 'twice', transform: documentFiles(WARD_TRANSFORM) }),
    ).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' });
    const [first] = WARD_TRANSFORM.outputs;
    await expect(
      session.embedded.register({
        location: FIXTURE,
        name: 'thin',
        transform: documentFiles({ ...WARD_TRANSFORM, outputs: [first] }),
      }),
    ).rejects.toMatchObject({ code: 'SIGNATURE_MISMATCH' });
  });

  it('takes a directory of a model and its transform', async () => {
    const directory = path.join(cwd, 'two-files');
    mkdirSync(directory);
    copyFileSync(FIXTURE, path.join(directory, 'model.onnx'));
    for (const [name, content] of documentFiles(WARD_TRANSFORM))
      writeFileSync(path.join(directory, name), content);
    const { version: found } = await session.embedded.register({ location: directory });
    expect(found.files.map((file) => file.path)).toContain(TRANSFORM_FILE);
    const { model, golden } = await loadModel(found, session.embedded, session.runtime);
    await model.release();
    expect(golden.length).toBeGreaterThan(3);
    expect(model.signature.fields.map((field) => field.name)).toEqual(['radius', 'texture', 'seen', 'ward']);
  });

  it('passes over an input example that is no JSON, as MLflow writes one with missing numbers', async () => {
    const directory = path.join(cwd, 'with-nan');
    cpSync(path.join(import.meta.dirname, 'fixtures/mlflow-dir/model'), directory, { recursive: true });
    writeFileSync(
      path.join(directory, 'serving_input_example.json'),
      '{"dataframe_split": {"data": [[NaN]]}}',
    );
    const { created } = await session.embedded.register({ location: directory });
    expect(created).toBe(true);
  });

  it('takes code with golden examples, and refuses it without or when it changes', async () => {
    const code = `export const fields = [{ name: 'radius', type: 'number' }];
export const columns = ['a', 'b', 'c', 'd', 'e'];
export function transformRawInput(raw: { radius: number }): number[] {
  return [0, 1, 2, 3, 4].map((power) => raw.radius ** power);
}`;
    const registration = { location: FIXTURE, name: 'coded', transform: await codeFiles(code, true) };
    await expect(session.embedded.register(registration)).rejects.toThrow('needs golden examples');
    const coded = await session.embedded.register({ ...registration, exampleRows: [{ radius: 3 }] });
    const { model, golden } = await loadModel(coded.version, session.embedded, session.runtime);
    await model.release();
    expect(golden[0]?.vector).toEqual([1, 3, 9, 27, 81]);
    const other = await codeFiles(code.replace('**', '+'), true);
    const edited = changed(({ artifact, ...rest }) => ({
      ...rest,
      artifact: { ...artifact, files: new Map([...artifact.files, ...other]) },
    }));
    await expect(loadModel(coded.version, edited, session.runtime)).rejects.toThrow(
      /column 1 "a" was 1 and is now 3: transformRawInput/,
    );
  });
});

function oneStepUp(number: number | null): number {
  const bits = new DataView(new ArrayBuffer(4));
  bits.setFloat32(0, number ?? 0);
  bits.setInt32(0, bits.getInt32(0) + 1);
  return bits.getFloat32(0);
}
