/** The rows, as both databases hold them. Times are Unix milliseconds; columns named `*_json` hold JSON text. */
export interface Tables {
  readonly schema_migrations: SchemaMigrationRow;
  readonly models: ModelRow;
  readonly model_versions: ModelVersionRow;
  readonly model_aliases: ModelAliasRow;
  readonly segments: SegmentRow;
  readonly predictions: PredictionRow;
  readonly feedback: FeedbackRow;
}

export interface SchemaMigrationRow {
  readonly version: number;
  readonly name: string;
  readonly applied_at: number;
}

export interface ModelRow {
  readonly name: string;
  readonly created_at: number;
}

export interface ModelVersionRow {
  readonly model: string;
  readonly number: number;
  readonly semver: string | null;
  readonly digest: string;
  readonly files_json: string;
  readonly flavor: string;
  readonly source: string;
  readonly metadata_json: string;
  readonly created_at: number;
  readonly archived_at: number | null;
}

export interface ModelAliasRow {
  readonly model: string;
  readonly alias: string;
  readonly number: number;
}

export interface SegmentRow {
  readonly segment_id: string;
  readonly byte_offset: number;
  readonly torn_lines: number;
  readonly updated_at: number;
}

/** Key (at, prediction_id), `at` being the time inside the id. Text columns hold `indexedText` of the value. */
export interface PredictionRow {
  readonly at: number;
  readonly prediction_id: string;
  readonly model: string;
  readonly model_version: string;
  readonly endpoint: string;
  readonly outcome: string;
  readonly status: number;
  readonly correlation_id: string | null;
  /** The line of the log as it was written: what is asked for is read from it, the columns are what is asked by. */
  readonly line_json: string;
}

/** Key (received_at, feedback_id), `received_at` being the time inside the id. */
export interface FeedbackRow {
  readonly received_at: number;
  readonly feedback_id: string;
  readonly prediction_id: string | null;
  readonly correlation_id: string | null;
  /** When the label became known; null when the caller did not say it, or not as a time. */
  readonly labelled_at: number | null;
  /** The line of the log as it was written. */
  readonly line_json: string;
}
