import type { JsonObject } from '../../kernel/json.ts';
import { BOUNDARY_MARGIN, type ParityReport, TOLERANCE } from '../proving/parity.ts';
import type { ProvedConversion } from './convert-model.ts';

/** A conversion with its proof, as the metadata of a version and the command's answer have it. */
export function reportDocument({
  precision,
  packages,
  report,
}: Pick<ProvedConversion, 'precision' | 'packages' | 'report'>): JsonObject {
  return { converter: 'slipway', precision, packages: { ...packages }, parity: parityDocument(report) };
}

/** Without the rows that differ: those of a proof that holds are none. */
function parityDocument(report: ParityReport): JsonObject {
  return {
    holds: report.holds,
    rows: report.rows,
    compared: report.compared,
    labels_differing: report.labelsDiffering,
    boundary_rows: report.boundaryRows,
    boundary_margin: BOUNDARY_MARGIN,
    tolerance: TOLERANCE,
    max_probability_difference: report.maxProbabilityDifference,
    mean_probability_difference: report.meanProbabilityDifference,
    max_absolute_difference: report.maxAbsoluteDifference,
    max_relative_difference: report.maxRelativeDifference,
    refused_by_original: report.refusedByOriginal,
    refused_by_both: report.refusedByBoth,
  };
}
