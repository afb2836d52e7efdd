import { readFileSync } from 'node:fs';
import { compileTransform } from '../../src/models/transforms/compile.ts';
import { fingerprintOf } from '../../src/models/transforms/fingerprint.ts';
import { fitTransform } from '../../src/models/transforms/fit.ts';
import { documentOf, parseTransform } from '../../src/models/transforms/spec.ts';

/** What serving makes of rows: reads {document, training, rows} from stdin, fits on the former, encodes the latter. */
const { document, training, rows } = JSON.parse(readFileSync(0, 'utf8'));
const spec = await fitTransform(parseTransform(document), { rows: () => [training] });
const compiled = compileTransform(spec);
const width = compiled.columns.length;
const values = new Float32Array(rows.length * width);
for (const [i, row] of rows.entries()) compiled.encode(row, values, i * width);
const answer = {
  document: documentOf(spec),
  fingerprint: fingerprintOf(spec),
  columns: compiled.columns,
  values: Buffer.from(values.buffer).toString('base64'),
};
process.stdout.write(JSON.stringify(answer));
