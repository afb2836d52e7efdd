"""Graphs in the form torch.onnx.export gives, and small graphs of single operators."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import onnx
from numpy.lib.stride_tricks import sliding_window_view
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits, load_iris
from sklearn.linear_model import LogisticRegression

import readers
from case import Case, Json, binary, most_probable, saver, to_json, valued, versions
from tables import matrix, rounded, sample

SEED = 7
OPSET = 17
IR_VERSION = 8
LIBRARY = versions("onnx", "numpy")
BATCH = "batch_size"
Layers = list[tuple[np.ndarray, np.ndarray]]
FLOAT16_MAX = 65504.0
FLOAT32_MAX = float(np.finfo(np.float32).max)
JSON_INTEGER_MAX = 2**53 - 1
NUMERIC_TYPES: dict[str, int] = {
    "float32": TensorProto.FLOAT,
    "float64": TensorProto.DOUBLE,
    "int8": TensorProto.INT8,
    "int16": TensorProto.INT16,
    "int32": TensorProto.INT32,
    "int64": TensorProto.INT64,
    "uint8": TensorProto.UINT8,
    "uint16": TensorProto.UINT16,
    "uint32": TensorProto.UINT32,
    "uint64": TensorProto.UINT64,
    "bool": TensorProto.BOOL,
    "float16": TensorProto.FLOAT16,
}


def make_model(
    name: str,
    nodes: Sequence[onnx.NodeProto],
    inputs: Sequence[onnx.ValueInfoProto],
    outputs: Sequence[onnx.ValueInfoProto],
    weights: dict[str, np.ndarray] | None = None,
) -> onnx.ModelProto:
    """Return a checked model of the given nodes."""
    initializers = [numpy_helper.from_array(array, key) for key, array in (weights or {}).items()]
    graph = helper.make_graph(list(nodes), name, list(inputs), list(outputs), initializers)
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="onnx.helper",
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def float_tensor(name: str, shape: Sequence[int | str]) -> onnx.ValueInfoProto:
    """Declare a float tensor."""
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def random_layers(widths: Sequence[int]) -> Layers:
    """Return a seeded (weight [out,in], bias [out]) pair per layer."""
    rng = np.random.default_rng(SEED)
    return [
        (
            (rng.standard_normal((after, before)) / np.sqrt(before)).astype(np.float32),
            rng.standard_normal(after).astype(np.float32),
        )
        for before, after in pairwise(widths)
    ]


def mlp_model(name: str, layers: Layers, activation: str | None, batch: int | str = BATCH) -> onnx.ModelProto:
    """Express the layers as Gemm and Relu nodes, with `activation` after the last one."""
    nodes, weights, value = [], {}, "input"
    for i, (weight, bias) in enumerate(layers, start=1):
        weights |= {f"fc{i}.weight": weight, f"fc{i}.bias": bias}
        gemm, last = f"/fc{i}/Gemm", i == len(layers)
        gemm_output = "output" if last and not activation else f"{gemm}_output_0"
        operands = [value, f"fc{i}.weight", f"fc{i}.bias"]
        nodes.append(helper.make_node("Gemm", operands, [gemm_output], gemm, alpha=1.0, beta=1.0, transB=1))
        value = gemm_output
        if not last:
            value = f"/relu{i}/Relu_output_0"
            nodes.append(helper.make_node("Relu", [gemm_output], [value], f"/relu{i}/Relu"))
    if activation:
        attributes = {"axis": 1} if activation == "Softmax" else {}
        path = f"/{activation.lower()}/{activation}"
        nodes.append(helper.make_node(activation, [value], ["output"], path, **attributes))
    ends = (
        float_tensor("input", [batch, layers[0][0].shape[1]]),
        float_tensor("output", [batch, len(layers[-1][1])]),
    )
    return make_model(name, nodes, ends[:1], ends[1:], weights)


def mlp_logits(layers: Layers, features: np.ndarray) -> np.ndarray:
    """Compute the layers with numpy in double precision."""
    value = features.astype(np.float64)
    for weight, bias in layers[:-1]:
        value = np.maximum(value @ weight.T.astype(np.float64) + bias, 0)
    weight, bias = layers[-1]
    return value @ weight.T.astype(np.float64) + bias


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return probabilities over axis 1."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """Return the logistic function without overflow."""
    return np.exp(-np.logaddexp(0, -logits))


def four_number_rows() -> list[list[float]]:
    """Return iris flowers, plain integers, and extreme numbers."""
    edges = [[0, 0, 0, 0], [1, -1, 1, -1], [1000.0] * 4, [-1e6, 1e6, -1e6, 1e6], [1e-30] * 4]
    return sample(rounded(load_iris().data), 20) + edges


def mlp_logits_case(name: str, batch: int | str, notes: str) -> Case:
    """Answer each row with its 3 logits."""
    layers, rows = random_layers([4, 8, 3]), four_number_rows()
    expected = valued(mlp_logits(layers, matrix(rows)))
    model = mlp_model(name, layers, None, batch)
    return Case(name, LIBRARY, "generic", rows, expected, 1e-5, notes, saver(model), readers.values)


def logits(name: str) -> Case:
    """A network without softmax."""
    return mlp_logits_case(name, BATCH, "Gemm/Relu/Gemm; prediction is the array of 3 logits.")


def fixed_batch_1(name: str) -> Case:
    """A network exported without dynamic axes."""
    return mlp_logits_case(name, 1, "The batch dimension is the constant 1: one row per run.")


def softmax_case(name: str) -> Case:
    """A network that ends in softmax."""
    layers, rows = random_layers([4, 8, 3]), four_number_rows()
    expected = most_probable(softmax(mlp_logits(layers, matrix(rows))))
    notes = "Softmax output [batch_size,3]; labels are the indices 0, 1, 2."
    model = mlp_model(name, layers, "Softmax")
    return Case(name, LIBRARY, "classification", rows, expected, 1e-5, notes, saver(model), readers.softmax)


def sigmoid_case(name: str) -> Case:
    """A network that ends in one sigmoid."""
    layers, rows = random_layers([4, 8, 1]), four_number_rows()
    expected = binary(sigmoid(mlp_logits(layers, matrix(rows))))
    notes = "Sigmoid output [batch_size,1] is p(1); label 1 when p >= 0.5, probabilities {0: 1-p, 1: p}."
    model = mlp_model(name, layers, "Sigmoid")
    return Case(name, LIBRARY, "classification", rows, expected, 1e-5, notes, saver(model), readers.sigmoid)


def convolved(images: np.ndarray, kernels: np.ndarray) -> np.ndarray:
    """Apply 3x3 kernels with padding 1 and relu; flatten to [N,features]."""
    padded = np.pad(images[:, 0], ((0, 0), (1, 1), (1, 1)))
    windows = sliding_window_view(padded, (3, 3), axis=(1, 2))
    maps = np.einsum("nhwij,kij->nkhw", windows, kernels[:, 0])
    return np.maximum(maps, 0).reshape(len(images), -1)


def image(name: str) -> Case:
    """A convolution, then a fitted logistic regression over 10 digits."""
    data = load_digits()
    images = (data.images / 16).astype(np.float32)[:, None]
    kernels = np.random.default_rng(SEED).standard_normal((3, 1, 3, 3)).astype(np.float32)
    classifier = LogisticRegression(max_iter=100).fit(convolved(images, kernels), data.target)
    weights = {
        "conv.weight": kernels,
        "fc.weight": classifier.coef_.astype(np.float32),
        "fc.bias": classifier.intercept_.astype(np.float32),
    }
    extremes = [np.zeros((1, 8, 8)), np.ones((1, 8, 8)), np.full((1, 8, 8), -1.0), np.eye(8)[None]]
    chosen = [*images[:18], *extremes]
    rows = [{"input": to_json(pixels)} for pixels in chosen]
    features = convolved(np.array(chosen, dtype=np.float32), kernels).astype(np.float64)
    expected = most_probable(
        softmax(features @ weights["fc.weight"].T.astype(np.float64) + weights["fc.bias"])
    )
    notes = "input [batch_size,1,8,8] with pixels 0..1; Conv/Relu/Flatten/Gemm/Softmax over the digits 0..9."
    library = versions("onnx", "numpy", "scikit-learn")
    model = image_model(name, weights)
    return Case(name, library, "classification", rows, expected, 1e-5, notes, saver(model), readers.softmax)


def image_model(name: str, weights: dict[str, np.ndarray]) -> onnx.ModelProto:
    """Express the digit classifier as a graph."""
    nodes = [
        helper.make_node(
            "Conv", ["input", "conv.weight"], ["/conv/Conv_output_0"], "/conv/Conv",
            dilations=[1, 1], group=1, kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[1, 1],
        ),
        helper.make_node("Relu", ["/conv/Conv_output_0"], ["/relu/Relu_output_0"], "/relu/Relu"),
        helper.make_node("Flatten", ["/relu/Relu_output_0"], ["/Flatten_output_0"], "/Flatten", axis=1),
        helper.make_node(
            "Gemm", ["/Flatten_output_0", "fc.weight", "fc.bias"], ["/fc/Gemm_output_0"], "/fc/Gemm", transB=1
        ),
        helper.make_node("Softmax", ["/fc/Gemm_output_0"], ["output"], "/softmax/Softmax", axis=1),
    ]  # fmt: skip
    ends = float_tensor("input", [BATCH, 1, 8, 8]), float_tensor("output", [BATCH, 10])
    return make_model(name, nodes, ends[:1], ends[1:], weights)


def numeric_rows() -> list[dict[str, Json]]:
    """Return every type's limits one at a time, then mixed rows."""
    zeros: dict[str, Json] = {kind: False if kind == "bool" else 0 for kind in NUMERIC_TYPES}
    limits = [(kind, limit) for kind in NUMERIC_TYPES for limit in type_limits(kind)]
    rng = np.random.default_rng(SEED)
    mixed = [
        {
            kind: bool(v % 2) if kind == "bool" else int(v)
            for kind, v in zip(NUMERIC_TYPES, values, strict=True)
        }
        for values in rng.integers(0, 100, (6, len(NUMERIC_TYPES)))
    ]
    fractions = {"float32": -1.25, "float64": 0.1, "float16": 0.333}
    return [zeros, *(zeros | {kind: limit} for kind, limit in limits), *mixed, zeros | fractions]


def type_limits(kind: str) -> tuple[Json, ...]:
    """Return the extremes of a type that JSON numbers in JavaScript carry exactly."""
    if kind == "bool":
        return (True,)
    if kind == "float16":
        return (-FLOAT16_MAX, FLOAT16_MAX)
    if kind.startswith("float"):
        return (-FLOAT32_MAX, FLOAT32_MAX)
    info = np.iinfo(kind)
    lowest = max(info.min, -JSON_INTEGER_MAX)
    return tuple(limit for limit in (lowest, min(info.max, JSON_INTEGER_MAX)) if limit)


def numeric_types(name: str) -> Case:
    """Twelve columns, one per numeric type, cast to float and summed."""
    casts = [
        helper.make_node("Cast", [kind], [f"{kind}_float"], to=TensorProto.FLOAT) for kind in NUMERIC_TYPES
    ]
    total = helper.make_node("Sum", [f"{kind}_float" for kind in NUMERIC_TYPES], ["sum"])
    inputs = [helper.make_tensor_value_info(kind, code, ["N", 1]) for kind, code in NUMERIC_TYPES.items()]
    model = make_model(name, [*casts, total], inputs, [float_tensor("sum", ["N", 1])])
    rows = numeric_rows()
    columns = [np.array([row[kind] for row in rows], dtype=kind).astype(np.float32) for kind in NUMERIC_TYPES]
    notes = (
        "One [N,1] column per type, cast to float32 and summed. "
        "int64 and uint64 stop at 2^53-1, float64 at the float32 limit; the sum is float32."
    )
    expected = valued(sum(columns))
    return Case(name, LIBRARY, "regression", rows, expected, 1e-6, notes, saver(model), readers.values)


def string_echo(name: str) -> Case:
    """An echoed string and a doubled number."""
    nodes = [
        helper.make_node("Identity", ["text"], ["echo"]),
        helper.make_node("Add", ["number", "number"], ["doubled"]),
    ]
    text = helper.make_tensor_value_info("text", TensorProto.STRING, ["N"])
    echo = helper.make_tensor_value_info("echo", TensorProto.STRING, ["N"])
    numbers = float_tensor("number", ["N"]), float_tensor("doubled", ["N"])
    model = make_model(name, nodes, [text, numbers[0]], [echo, numbers[1]])
    texts = ["plain", "", " ", "two words", "Łódź", "日本語", "🚢", 'quo"te', "back\\slash", "line\nbreak", "tab\t",
             "null", "NaN", "0", "true", "<script>", "e\u0301", "é", "مرحبا", "x" * 300]  # fmt: skip
    rows = [{"text": value, "number": i - 4.5} for i, value in enumerate(texts)]
    expected = [
        {"prediction": {"echo": row["text"], "doubled": 2 * row["number"]}, "probabilities": None}
        for row in rows
    ]
    notes = "Rank 1 tensors [N]; prediction has one member per output."
    return Case(name, LIBRARY, "generic", rows, expected, 0, notes, saver(model), readers.named_values)


def dynamic_width(name: str) -> Case:
    """The mean of a row of any length."""
    node = helper.make_node("ReduceMean", ["input"], ["mean"], axes=[1], keepdims=1)
    ends = float_tensor("input", ["batch", "sequence"]), float_tensor("mean", ["batch", 1])
    model = make_model(name, [node], ends[:1], ends[1:])
    rng = np.random.default_rng(SEED)
    lengths = [1, 2, 3, 3, 5, 8, 8, 13, 1, 4, 4, 4, 7, 50, 2, 6, 9, 3, 1, 12]
    rows: list[dict[str, Any]] = [
        {"input": rng.uniform(-9, 9, length).round(2).tolist()} for length in lengths
    ]
    expected = valued([np.float32(row["input"]).mean(dtype=np.float64) for row in rows])
    notes = "Both dimensions are dynamic and rows have different lengths."
    return Case(name, LIBRARY, "regression", rows, expected, 1e-6, notes, saver(model), readers.values)


BUILDERS: dict[str, Callable[[str], Case]] = {
    "torch-style-logits": logits,
    "torch-style-softmax": softmax_case,
    "torch-style-sigmoid-binary": sigmoid_case,
    "torch-style-image": image,
    "torch-style-fixed-batch-1": fixed_batch_1,
    "all-numeric-types": numeric_types,
    "string-output": string_echo,
    "dynamic-width": dynamic_width,
}
