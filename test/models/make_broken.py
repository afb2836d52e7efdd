"""Make small models that must be refused at load time or fail while running."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

import sklearn_cases
from graph_cases import float_tensor, make_model, mlp_model, random_layers


def truncated(path: Path) -> None:
    """Write the first half of a good model."""
    with tempfile.TemporaryDirectory() as directory:
        sklearn_cases.iris_zipmap("truncated").save(Path(directory))
        whole = (Path(directory) / "model.onnx").read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def not_onnx(path: Path) -> None:
    """Write text."""
    path.write_text("This is a text file, not an ONNX model.\n" * 5, encoding="utf-8")


def empty(path: Path) -> None:
    """Write nothing."""
    path.write_bytes(b"")


def missing_external_data(directory: Path) -> None:
    """Write a model without the weights file it names."""
    directory.mkdir(exist_ok=True)
    model = mlp_model(directory.name, random_layers([4, 8, 3]), None)
    onnx.save(
        model,
        directory / "model.onnx",
        save_as_external_data=True,
        location="model.onnx.data",
        size_threshold=0,
    )
    (directory / "model.onnx.data").unlink()


def scalar_no_batch(path: Path) -> None:
    """Write a sum over one vector."""
    node = helper.make_node("ReduceSum", ["input"], ["output"], keepdims=1)
    onnx.save(
        make_model(path.stem, [node], [float_tensor("input", [4])], [float_tensor("output", [1])]), path
    )


def fixed_batch_8(path: Path) -> None:
    """Write a network that takes exactly 8 rows."""
    onnx.save(mlp_model(path.stem, random_layers([4, 8, 3]), None, batch=8), path)


def sequence_output(path: Path) -> None:
    """Write a graph that returns a sequence of tensors."""
    node = helper.make_node("SequenceConstruct", ["input", "input"], ["output"])
    output = helper.make_tensor_sequence_value_info("output", TensorProto.FLOAT, ["N", 2])
    onnx.save(make_model(path.stem, [node], [float_tensor("input", ["N", 2])], [output]), path)


def runtime_failure(path: Path) -> None:
    """Write a lookup in a table of 5 numbers."""
    node = helper.make_node("Gather", ["table", "index"], ["output"], axis=0)
    index = helper.make_tensor_value_info("index", TensorProto.INT64, ["N", 1])
    table = {"table": np.arange(10, 60, 10, dtype=np.float32)}
    onnx.save(make_model(path.stem, [node], [index], [float_tensor("output", ["N", 1])], table), path)


BUILDERS: dict[str, Callable[[Path], None]] = {
    "truncated.onnx": truncated,
    "not-onnx.onnx": not_onnx,
    "empty.onnx": empty,
    "missing-external-data": missing_external_data,
    "scalar-no-batch.onnx": scalar_no_batch,
    "fixed-batch-8.onnx": fixed_batch_8,
    "sequence-output.onnx": sequence_output,
    "runtime-failure.onnx": runtime_failure,
}


def main() -> None:
    """Make every broken model."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog="example: python make_broken.py --out broken"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="directory to write into")
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    for name, build in BUILDERS.items():
        build(out / name)
        print(name)


if __name__ == "__main__":
    main()
