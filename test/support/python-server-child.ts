import { silentLogger } from '../../src/kernel/logger.ts';
import { PythonRuntime } from '../../src/models/runtimes/python/python-runtime.ts';

/** A server with one Python model that forked: prints the numbers of both processes and waits to be killed. */
const [, , packageDirectory = '', temporaryDirectory = ''] = process.argv;
const source = `
import os, time
facts = {"width": 1}
def predict(columns, params):
    child = os.fork()
    if child == 0:
        os.setsid()
        time.sleep(600)
    return Output([[os.getpid(), child]])
`;
const runtime = new PythonRuntime(
  {
    packageDirectory,
    temporaryDirectory,
    workers: 1,
    memoryBytes: null,
    startTimeoutMs: 20_000,
    deadlineMs: 20_000,
    stopGraceMs: 2_000,
    serverVariables: process.env,
    interpreterFor: async () => ({ python: 'python3' }),
  },
  silentLogger,
);
const model = await runtime.load({
  format: 'python',
  flavor: 'pickle',
  entry: 'model.py',
  files: new Map([['model.py', Buffer.from(source)]]),
  declared: { inputs: null, outputs: null, params: [], task: null, labels: null, positiveLabel: null },
  origin: { registry: 'embedded', digest: null },
});
const [output] = await model.run([{ f0: 1 }]);
process.stdout.write(`${JSON.stringify(output?.prediction)}\n`);
