/** Imports point one way (docs/architecture.md). test/house/boundaries.test.ts plants a violation to see that this bites. */
const ADAPTER_LIBRARIES =
  '(^|node_modules/)(@duckdb|fastify|@fastify|kysely|pg|pino|prom-client|onnxruntime-node|@huggingface|commander|@photostructure|@grpc)(/|$)';
const room = (name) => `^src/${name}/`;

/** A room and the rooms that it may import, itself included. */
const MAY_IMPORT = {
  kernel: [],
  access: ['kernel'],
  contracts: ['kernel'],
  config: ['kernel'],
  models: ['kernel', 'contracts', 'config'],
  serving: ['kernel', 'contracts', 'config', 'models'],
  dialects: ['kernel', 'contracts', 'config', 'models', 'serving'],
  watching: ['kernel', 'contracts', 'config', 'models', 'serving'],
  storage: ['kernel', 'contracts', 'models', 'serving', 'watching'],
  telemetry: ['kernel'],
  datasets: ['kernel', 'models'],
  http: ['kernel', 'access', 'contracts', 'config', 'models', 'serving', 'dialects', 'watching'],
  grpc: ['kernel', 'access', 'contracts', 'config', 'models', 'serving', 'dialects'],
  cli: ['kernel', 'contracts', 'config', 'models', 'serving', 'watching'],
};

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    ...Object.entries(MAY_IMPORT).map(([name, allowed]) => ({
      name: `${name}-imports-one-way`,
      severity: 'error',
      from: { path: room(name) },
      to: { path: '^src/', pathNot: [name, ...allowed].map(room) },
    })),
    {
      name: 'domains-know-no-adapter-library',
      severity: 'error',
      from: {
        path: '^src/(kernel|contracts|config|models|serving|dialects|watching)/',
        pathNot: '^src/models/runtimes/(onnx|text)/',
      },
      to: { path: ADAPTER_LIBRARIES, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'only-composition-builds-adapters',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot:
          '^src/(composition|models/registry/(local|mlflow|artifacts)|models/runtimes/(onnx|python|remote|text))/',
      },
      to: {
        path: '^src/models/(registry/(local|mlflow|artifacts)|runtimes/(onnx|python|remote|text))/',
        pathNot: '^src/models/runtimes/onnx/graph.ts$',
      },
    },
    {
      name: 'duckdb-is-loaded-in-one-place',
      comment: 'an optional package of 70 MB, for training data',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/datasets/duckdb/' },
      to: { path: '(^|node_modules/)@duckdb/' },
    },
    {
      name: 'no-tests-in-source',
      severity: 'error',
      from: { path: '^src/', pathNot: '\\.test\\.ts$' },
      to: { path: '^test/|\\.test\\.ts$' },
    },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '\\.test\\.ts$' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default'],
    },
  },
};
