"""A fitted estimator as an ONNX graph that takes the fields of the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import onnx
from onnx import TensorProto, helper
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, StringTensorType

from .categories import MISSING_TEXT
from .converters import register
from .report import Refusal
from .steps import named_by_columns, refuse_unconvertible

#: What onnxruntime-node 1.30 runs, and the libraries of 2024 write.
OPSET = {"": 18, "ai.onnx.ml": 3}
MATRIX = "features"
#: Where the runtime reads what stands for a missing text (src/models/runtimes/onnx/).
MISSING_TEXT_KEY = "slipway.missing_text"


@dataclass(frozen=True)
class Field:
    """One field that callers send, as the signature of the original has it."""

    name: str
    type: str

    @property
    def is_text(self) -> bool:
        return self.type == "string"


@dataclass(frozen=True)
class Wanted:
    """What of the original the graph must answer."""

    task: str
    has_probabilities: bool
    #: What the model is given for a missing text: NaN, or None.
    missing_text: Any = float("nan")
    #: Factor and offset of the answer.
    rescaled: tuple[float, float] | None = None


PRECISIONS = {"float64": DoubleTensorType, "float32": FloatTensorType}


def to_graph(estimator: Any, fields: list[Field], wanted: Wanted, precision: str, libraries: set[str]) -> onnx.ModelProto:
    """Convert, computing in the precision. Whatever that, numbers come in as float64: callers send the same ones."""
    numbers = PRECISIONS[precision]
    refuse_unconvertible(estimator)
    register(numbers, libraries, wanted.missing_text)
    by_column = named_by_columns(estimator) or any(field.is_text for field in fields)
    if by_column:
        inputs = [(f.name, (StringTensorType if f.is_text else numbers)([None, 1])) for f in fields]
    else:
        inputs = [(MATRIX, numbers([None, len(fields)]))]
    model = convert_sklearn(
        estimator, "slipway", initial_types=inputs, target_opset=OPSET, options=options_for(estimator)
    )
    if by_column:
        keep_inputs(model, fields)
        if not any(field.is_text for field in fields):
            join_inputs(model, fields)
    keep_outputs(model, wanted)
    if wanted.rescaled is not None:
        rescale(model, wanted.rescaled)
    if numbers is FloatTensorType:
        take_float64(model)
    model.metadata_props.append(onnx.StringStringEntryProto(key=MISSING_TEXT_KEY, value=MISSING_TEXT))
    model.opset_import.sort(key=lambda opset: opset.domain)
    return model


def options_for(estimator: Any) -> dict[int, dict[str, Any]]:
    """No ZipMap, where there would be one; a pipeline would ask for it on behalf of any last step."""
    last = estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator
    return {id(estimator): {"zipmap": False}} if hasattr(last, "predict_proba") else {id(last): {}}


def keep_inputs(model: onnx.ModelProto, fields: list[Field]) -> None:
    """A field that the model passes over stays an input, or callers would be refused for sending it."""
    given = {value.name for value in model.graph.input}
    for field in fields:
        if field.name not in given:
            kind = TensorProto.STRING if field.is_text else TensorProto.DOUBLE
            model.graph.input.append(helper.make_tensor_value_info(field.name, kind, [None, 1]))


def join_inputs(model: onnx.ModelProto, fields: list[Field]) -> None:
    """One matrix in place of a column each, where all are numbers: rows may be sent as lists then, and are fed at once."""
    graph = model.graph
    kind = graph.input[0].type.tensor_type.elem_type
    del graph.input[:]
    graph.input.append(helper.make_tensor_value_info(MATRIX, kind, [None, len(fields)]))
    parts = []
    for place, field in enumerate(fields):
        index = f"{MATRIX}_{place}"
        graph.initializer.append(helper.make_tensor(index, TensorProto.INT64, [1], [place]))
        parts.append(helper.make_node("Gather", [MATRIX, index], [field.name], axis=1))
    nodes = [*parts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def keep_outputs(model: onnx.ModelProto, wanted: Wanted) -> None:
    """Outputs that the original does not answer go: a score that is no probability would be read as one."""
    graph = model.graph
    outputs = list(graph.output)
    kept = outputs
    if wanted.task == "classification":
        kept = outputs if wanted.has_probabilities else outputs[:1]
        if wanted.has_probabilities and len(outputs) < 2:
            raise Refusal("unsupported", "The converter gives the label of this model and no probabilities")
    elif len(outputs) > 1:
        kept = outputs[:1]
    del graph.output[:]
    graph.output.extend(kept)


def rescale(model: onnx.ModelProto, line: tuple[float, float]) -> None:
    """Put the answer on a line, in float64."""
    graph = model.graph
    [answer] = graph.output
    names = [f"{answer.name}_{part}" for part in ("scaled", "factor", "offset", "stretched", "moved")]
    scaled, factor, offset, stretched, moved = names
    graph.initializer.append(helper.make_tensor(factor, TensorProto.DOUBLE, [], [line[0]]))
    graph.initializer.append(helper.make_tensor(offset, TensorProto.DOUBLE, [], [line[1]]))
    graph.node.extend(
        [
            helper.make_node("Cast", [answer.name], [scaled], to=TensorProto.DOUBLE),
            helper.make_node("Mul", [scaled, factor], [stretched]),
            helper.make_node("Add", [stretched, offset], [moved]),
        ]
    )
    shape = [size.dim_value or None for size in answer.type.tensor_type.shape.dim]
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info(moved, TensorProto.DOUBLE, shape))


def take_float64(model: onnx.ModelProto) -> None:
    """Put a cast behind each input of float32."""
    graph = model.graph
    casts = []
    for value in graph.input:
        if value.type.tensor_type.elem_type != TensorProto.FLOAT:
            continue
        inner = f"{value.name}_float32"
        for node in graph.node:
            node.input[:] = [inner if name == value.name else name for name in node.input]
        value.type.tensor_type.elem_type = TensorProto.DOUBLE
        casts.append(helper.make_node("Cast", [value.name], [inner], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
