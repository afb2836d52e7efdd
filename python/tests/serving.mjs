import { bundle } from '../../scripts/steps.mjs';

await import(await bundle('python/tests/serving.ts', 'python-serving.mjs'));
