import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { cache, ensureVenv, root, run } from './steps.mjs';

const PROMOTIONS = 50;
const SWAPS = 200;
const POLLED_SECONDS = 8;
const WEBHOOK_SECONDS = 2;
const MOST_GROWTH = 1.15;

/** The suite of a real MLflow registry, at its full length. A figure that a test did not come to is a row that does not hold. */
export async function proveRegistry() {
  const { python, reason } = await ensureVenv('servers', path.join(root, 'test/requirements.txt'));
  if (python === null) return [{ bar: 'runs against a real MLflow', figure: reason, held: false }];
  const file = path.join(cache, 'registry-evidence.json');
  rmSync(file, { force: true });
  const { output } = await run(
    python,
    ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', path.join(root, 'test/registry')],
    {
      quiet: true,
      env: {
        PYTHONDONTWRITEBYTECODE: '1',
        PROMOTIONS: String(PROMOTIONS),
        SWAPS: String(SWAPS),
        EVIDENCE_FILE: file,
      },
    },
  );
  const found = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
  const row = (bar, evidence, figureOf, holds = () => true) =>
    evidence === undefined
      ? { bar, figure: `its test failed: ${failureIn(output)}`, held: false }
      : { bar, figure: figureOf(evidence), held: holds(evidence) };
  const promoted = ({ promotions, answered, slowest_s }) =>
    `${promotions} promotions, slowest ${slowest_s.toFixed(1)} s, 0 failed of ${answered} requests`;
  return [
    ...['alias', 'stage'].map((by) =>
      row(
        `promoted by ${by} under 300 requests/s: no failed request, each names its version, served within ${POLLED_SECONDS} s by polling`,
        found[`polled_${by}`],
        promoted,
        ({ slowest_s, promotions }) => slowest_s <= POLLED_SECONDS && promotions === PROMOTIONS / 2,
      ),
    ),
    row(
      `promoted with a webhook: served within ${WEBHOOK_SECONDS} s`,
      found.webhook,
      promoted,
      ({ slowest_s, promotions }) => slowest_s <= WEBHOOK_SECONDS && promotions === PROMOTIONS,
    ),
    row(
      'ten broken versions take no traffic',
      found.broken,
      ({ versions, answered }) => `${versions} refused, 0 failed of ${answered} requests`,
      ({ versions }) => versions === 10,
    ),
    row(
      'MLflow killed under load, and Slipway started without it: no failed prediction',
      found.outage,
      ({ answered }) => `0 failed of ${answered}`,
    ),
    row(
      'MLflow killed during a download: no failed prediction, the download goes on afterwards',
      found.broken_download,
      ({ answered }) => `0 failed of ${answered}`,
    ),
    row(
      `memory after ${SWAPS} swaps within 15 % of that after 20`,
      found.memory,
      ({ early, late, ratio }) => `${mebibytes(early)} → ${mebibytes(late)} MiB, ratio ${ratio.toFixed(3)}`,
      ({ ratio }) => ratio <= MOST_GROWTH,
    ),
  ];
}

function failureIn(output) {
  return (/^(?:FAILED|ERROR) .*$/m.exec(output)?.[0] ?? output.slice(-300)).trim();
}

function mebibytes(bytes) {
  return Math.round(bytes / 2 ** 20);
}
