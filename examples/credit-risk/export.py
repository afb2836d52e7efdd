"""Everything the serving side reads: the MLflow model with its transform, golden examples, baseline and traffic."""

from __future__ import annotations

import json
import shutil
from importlib.metadata import version
from pathlib import Path

import mlflow.onnx
import numpy as np
import onnx
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema
from mlflow.types.schema import Array, DataType
from slipway import Transform

from evaluation import open_session, predict
from simulate import FIELDS, TARGET, to_records, write_traffic

RUNTIME_PACKAGES = ("mlflow-skinny", "numpy", "onnx", "onnxruntime", "pandas")
EXAMPLE_ROWS = 3


def write_all(
    output: Path,
    model: onnx.ModelProto,
    transform: Transform,
    metadata: dict,
    traffic: pd.DataFrame,
    baseline: pd.DataFrame,
) -> None:
    directory = output / "model"
    save_mlflow(model, transform, traffic, metadata, directory)
    transform.save(directory / "transform.json")
    write_golden(golden_examples(model, transform, traffic), directory / "golden.json")
    write_baseline(baseline, output / "data" / "processed" / "train.csv")
    write_traffic(traffic, output / "traffic.jsonl")


def save_mlflow(
    model: onnx.ModelProto, transform: Transform, rows: pd.DataFrame, metadata: dict, directory: Path
) -> None:
    """Replaces `directory` by an MLflow model whose input example is the first full rows of `rows`, transformed.

    Of a missing number MLflow writes NaN, which is not JSON.
    """
    shutil.rmtree(directory, ignore_errors=True)
    example = transform.apply(rows).dropna().head(EXAMPLE_ROWS).reset_index(drop=True)
    mlflow.onnx.save_model(
        model,
        str(directory),
        signature=signature(transform),
        input_example=example,
        metadata=metadata,
        pip_requirements=[f"{package}=={version(package)}" for package in RUNTIME_PACKAGES],
        onnx_execution_providers=["CPUExecutionProvider"],
        save_as_external_data=False,
    )


def signature(transform: Transform) -> ModelSignature:
    """The columns of the matrix; the raw fields are those of transform.json."""
    return ModelSignature(
        inputs=Schema([ColSpec(DataType.float, column) for column in transform.columns]),
        outputs=Schema([ColSpec(DataType.string, "label"), ColSpec(Array(DataType.float), "probabilities")]),
    )


def golden_examples(model: onnx.ModelProto, transform: Transform, held_out: pd.DataFrame) -> list[dict]:
    """The surest row of each outcome and the least sure one, then rows at the edges."""
    session = open_session(model)
    labels, probabilities = predict(session, transform.transform(held_out))
    confidence = pd.Series(probabilities.max(axis=1))
    surest = [int(confidence[labels == label].idxmax()) for label in sorted(set(labels))]
    rows = pd.concat([held_out.iloc[[*surest, int(confidence.idxmin())]], edge_rows(held_out)], ignore_index=True)
    matrix = transform.transform(rows)
    labels, probabilities = predict(session, matrix)
    return [
        {
            "input": fields,
            "vector": vector_of(encoded),
            "output": {"prediction": str(label), "probabilities": row.tolist()},
        }
        for fields, encoded, label, row in zip(to_records(rows), matrix, labels, probabilities, strict=True)
    ]


def vector_of(row: np.ndarray) -> list[float | None]:
    """Float32 numbers as JSON has them; null for NaN."""
    return [None if np.isnan(value) else float(value) for value in row]


def edge_rows(held_out: pd.DataFrame) -> pd.DataFrame:
    """Everything missing that may be, categories nobody has seen, extreme numbers, the end of a year."""
    typical = held_out.iloc[[len(held_out) // 2]]
    optional = ("income", "employment_years", "occupation", "credit_score", "months_since_late", "savings")
    changes = [
        {field: None for field in (*optional, "customer_since")},
        {"employment_type": "astronaut", "occupation": "never seen ✱", "region": "", "loan_purpose": "__proto__"},
        {"income": 1e12, "debt_ratio": 1e6, "loan_amount": 100_000.0, "savings": 0.0, "age": 120, "credit_score": 300},
        {"income": 0.0, "open_accounts": 0, "late_payments": 0, "channel": "  WEB ", "credit_score": 850, "age": 18},
        {"applied_at": "2025-12-31T23:59:59Z", "customer_since": "2025-12-31"},
    ]
    rows = []
    for change in changes:
        row = typical.copy()
        for field, value in change.items():
            row[field] = pd.array([value], dtype=row[field].dtype)
        rows.append(row)
    return pd.concat(rows, ignore_index=True)


def write_golden(examples: list[dict], path: Path) -> None:
    path.write_text(json.dumps(examples, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def write_baseline(rows: pd.DataFrame, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows[[*FIELDS, TARGET]].to_csv(path, index=False, lineterminator="\n")
