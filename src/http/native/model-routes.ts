import type { FastifyInstance } from 'fastify';
import type { FieldInfo, ModelInfo, ModelList } from '../../contracts/native.ts';
import { referenceTo } from '../../models/model-reference.ts';
import { isSameVersion, type ModelVersion, versionLabel } from '../../models/model-version.ts';
import type { ModelRegistry } from '../../models/registry/registry.ts';
import type { Field } from '../../models/signature.ts';
import { executesCode } from '../../models/trust.ts';
import type { Fleet } from '../../serving/fleet.ts';
import type { ServedVersion } from '../../serving/served-version.ts';

interface ModelDependencies {
  readonly fleet: Fleet;
  readonly registry: ModelRegistry;
}

/** What is served and what is registered. */
export function registerModelRoutes(app: FastifyInstance, { fleet, registry }: ModelDependencies): void {
  const servedAs = (version: ModelVersion): ServedVersion | null =>
    fleet.loaded().find((served) => isSameVersion(served.version, version)) ?? null;

  app.get('/model/info', async (_request, reply) => {
    const { served } = fleet.default();
    return reply.send(infoOf(await registry.resolve(referenceTo(served.version)), served));
  });

  app.get('/models', async (_request, reply) => {
    const models = await registry.listModels();
    const list: ModelList = {
      models: models.map((model) => ({
        name: model.name,
        versions: model.versions.map((version) => ({
          version: versionLabel(version),
          number: version.number,
          stage: version.stage,
          aliases: [...version.aliases],
          loaded: servedAs(version) !== null,
        })),
      })),
    };
    return reply.send(list);
  });

  app.get<{ Params: { name: string } }>('/models/:name', async (request, reply) => {
    const { model: name, scheme } = fleet.modelOf(request.params.name);
    const model = await registry.getModel(name, scheme);
    return reply.send({
      name: model.name,
      versions: model.versions.map((version) => infoOf(version, servedAs(version))),
    });
  });
}

function inputOf({ shape, oneOf, param, ...field }: Field): FieldInfo {
  return {
    ...field,
    shape: [...shape],
    ...(oneOf !== undefined && { one_of: [...oneOf] }),
    ...(param !== undefined && { param: param as never }),
  };
}

function infoOf(version: ModelVersion, served: ServedVersion | null): ModelInfo {
  return {
    name: version.model,
    version: versionLabel(version),
    number: version.number,
    stage: version.stage,
    aliases: [...version.aliases],
    flavor: version.flavor,
    runtime: served?.format ?? version.flavor,
    executes_code: executesCode(version),
    loaded: served !== null,
    loaded_since: served === null ? null : new Date(served.loadedAt).toISOString(),
    digest: served?.version.digest ?? version.digest,
    transform_hash: served?.transformHash ?? null,
    signature:
      served === null
        ? null
        : {
            inputs: served.signature.fields.map(inputOf),
            output: served.signature.output as never,
          },
    training: { ...served?.version.metadata, ...version.metadata } as never,
    input_example: (served?.example ?? null) as never,
  };
}
