import { parseArgs } from 'node:util';
import { renderRows, renderThroughput, writeResults } from '../bench/report.mjs';
import { MEASURE_NAMES, runBench } from '../bench/run-bench.mjs';

/** Measures Slipway against its bars on this machine; bench/README.md says how, and what the figures mean. */
const HELP = `Usage: npm run bench [-- options]

Measures Slipway beside Fastify, FastAPI and MLServer, prints each bar with its figure, and writes bench/results/. The
exit code is 1 when a bar is not held. About 10 minutes; the first run also makes two Python environments.

  --only <names>   measure only these, separated by commas: ${MEASURE_NAMES.join(', ')}
  --rounds <n>     rounds of each measurement (default 5)
  --seconds <n>    length of one load, in seconds (default 4)
  --json           print the results as JSON
  --help           this text

Example:
  $ npm run bench -- --only throughput,rate --rounds 3
`;

const options = optionsOf(process.argv.slice(2));
const results = await runBench(options).catch((error) => end(2, `The bench failed: ${error.message}\n`));
const { throughput } = results.measured;
const file = options.only.length === MEASURE_NAMES.length ? writeResults(results) : null;
if (options.json) process.stdout.write(`${JSON.stringify(results)}\n`);
else {
  if (throughput !== undefined) process.stdout.write(`\n${renderThroughput(throughput.summary)}`);
  process.stdout.write(`\n${renderRows(results.rows)}${file === null ? '' : `\nWritten to ${file}\n`}`);
}
process.exit(results.rows.every(({ held }) => held) ? 0 : 1);

function optionsOf(args) {
  try {
    const { values } = parseArgs({
      args,
      options: {
        only: { type: 'string', default: MEASURE_NAMES.join(',') },
        rounds: { type: 'string', default: '5' },
        seconds: { type: 'string', default: '4' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) end(0, HELP);
    const only = values.only.split(',');
    const unknown = only.filter((name) => !MEASURE_NAMES.includes(name));
    if (unknown.length > 0)
      throw new Error(`--only takes ${MEASURE_NAMES.join(', ')}; not ${unknown.join(', ')}`);
    return {
      only,
      json: values.json,
      rounds: positive(values, 'rounds'),
      seconds: positive(values, 'seconds'),
    };
  } catch (error) {
    return end(2, `${error.message}\n\n${HELP}`);
  }
}

function positive(values, name) {
  const number = Number(values[name]);
  if (!Number.isInteger(number) || number < 1) throw new Error(`--${name} takes a whole number from 1 on`);
  return number;
}

function end(code, text) {
  (code === 0 ? process.stdout : process.stderr).write(text);
  process.exit(code);
}
