import { defineConfig } from 'vitest/config';

/** Tests of runtimes that work with processes of Python, or with threads and weights. */
const RUN_PROCESSES = ['python', 'text', 'remote'].map((name) => `src/models/runtimes/${name}/**/*.test.ts`);

export default defineConfig({
  test: {
    reporters: process.env['TEST_REPORT_FILE']
      ? ['default', ['json', { outputFile: process.env['TEST_REPORT_FILE'] }]]
      : ['default'],
    projects: [
      // The time is for a machine that has other work.
      {
        test: { name: 'unit', include: ['src/**/*.test.ts'], exclude: RUN_PROCESSES, testTimeout: 30_000 },
      },
      // Beside the source too, but they wait for processes and threads.
      { test: { name: 'processes', include: RUN_PROCESSES, testTimeout: 30_000 } },
      { test: { name: 'models', include: ['test/models/*.test.ts'] } },
      {
        test: {
          name: 'contract',
          include: ['test/contract/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      // Needs an environment with mlflow, which scripts/test.mjs makes.
      ...(process.env['MLFLOW_PYTHON'] === undefined
        ? []
        : [
            {
              test: {
                name: 'registry',
                include: ['test/registry/*.test.ts'],
                testTimeout: 60_000,
                hookTimeout: 180_000,
              },
            },
          ]),
      { test: { name: 'http', include: ['test/http/*.test.ts'], testTimeout: 30_000 } },
      {
        test: {
          name: 'text',
          include: ['test/text/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      { test: { name: 'house', include: ['test/house/*.test.ts'], testTimeout: 60_000 } },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
