"""Everything the serving side reads: the MLflow model with its transform, golden examples, baseline and traffic."""

from __future__ import annotations

import json
import shutil
from importlib.metadata import version
from pathlib import Path

import mlflow.onnx
import onnx
import onnxruntime as ort
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema
from mlflow.types.schema import Array, DataType

from data import FIELDS, TARGET, UNKNOWN
from encoders import Encoding
from evaluation import predict

RUNTIME_PACKAGES = ("mlflow-skinny", "numpy", "onnx", "onnxruntime", "pandas")
EXAMPLE_ROWS = 3


def save_mlflow(
    model: onnx.ModelProto, encoding: Encoding, rows: pd.DataFrame, metadata: dict, directory: Path
) -> None:
    """Replaces `directory` by an MLflow model whose input example is the first rows of `rows`."""
    shutil.rmtree(directory, ignore_errors=True)
    mlflow.onnx.save_model(
        model,
        str(directory),
        signature=signature(encoding),
        input_example=encoding.example(rows.head(EXAMPLE_ROWS)),
        metadata=metadata,
        pip_requirements=[f"{package}=={version(package)}" for package in RUNTIME_PACKAGES],
        onnx_execution_providers=["CPUExecutionProvider"],
        save_as_external_data=False,
    )
    encoding.save(directory)


def signature(encoding: Encoding) -> ModelSignature:
    return ModelSignature(
        inputs=Schema(encoding.columns()),
        outputs=Schema([ColSpec(DataType.string, "label"), ColSpec(Array(DataType.float), "probabilities")]),
    )


def golden_examples(session: ort.InferenceSession, encoding: Encoding, held_out: pd.DataFrame) -> list[dict]:
    """Four held-out rows that cover every predicted label, then four rows at the edges."""
    labels, probabilities = predict(session, encoding.tensors(held_out))
    confidence = pd.Series(probabilities.max(axis=1))
    surest = [int(confidence[labels == label].idxmax()) for label in sorted(set(labels))]
    unsure = int(confidence.idxmin())
    rows = pd.concat([held_out.iloc[[*surest, unsure]], edge_rows(held_out)], ignore_index=True)
    labels, probabilities = predict(session, encoding.tensors(rows))
    outputs = [
        {"prediction": str(label), "probabilities": row.tolist()}
        for label, row in zip(labels, probabilities, strict=True)
    ]
    return [
        {"input": fields, **vector, "output": output}
        for fields, vector, output in zip(to_records(rows), encoding.vectors(rows), outputs, strict=True)
    ]


def edge_rows(held_out: pd.DataFrame) -> pd.DataFrame:
    """Nothing known, no discount, an extreme price, the start of the epoch."""
    typical = to_records(held_out.iloc[[len(held_out) // 2]])[0]
    strangers = {field: "never seen ✱" for field, kind in FIELDS.items() if kind == "string"}
    strangers |= {"age": UNKNOWN, "income": UNKNOWN, "household_size": UNKNOWN}
    strangers |= {"store_id": 0, "household_id": -1, "product_id": 2**53 - 1}
    changes = [strangers, {"unit_discount": 0.0}, {"unit_price": 99999.99}, {"timestamp": 0}]
    return pd.DataFrame([typical | change for change in changes])


def to_records(rows: pd.DataFrame) -> list[dict]:
    return rows[list(FIELDS)].to_dict("records")


def write_golden(examples: list[dict], path: Path) -> None:
    path.write_text(json.dumps(examples, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def write_baseline(rows: pd.DataFrame, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows[[*FIELDS, TARGET]].to_csv(path, index=False, lineterminator="\n")


def write_traffic(rows: pd.DataFrame, path: Path) -> None:
    lines = [
        json.dumps({"features": fields, "actual": actual}, ensure_ascii=False)
        for fields, actual in zip(to_records(rows), rows[TARGET], strict=True)
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
