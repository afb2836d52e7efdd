"""The ONNX graphs: a matrix of numbers or raw field tensors in, label and probabilities out."""

from __future__ import annotations

import json

import numpy as np
import onnx
import pandas as pd
import xgboost as xgb
from onnx import TensorProto, helper

from data import CLASSES, FIELDS, FieldType
from features import (
    DAYS_PER_WEEK,
    EPOCH_WEEKDAY,
    NUMERIC_FIELDS,
    SECONDS_PER_DAY,
    SECONDS_PER_HOUR,
    ShareTable,
)

OPSET, ML_OPSET, IR_VERSION = 17, 3, 8
ML = "ai.onnx.ml"
INPUT = "features"
TENSOR_TYPES: dict[FieldType, int] = {
    "long": TensorProto.INT64,
    "float": TensorProto.FLOAT,
    "string": TensorProto.STRING,
}
NUMPY_TYPES: dict[FieldType, type] = {"long": np.int64, "float": np.float32, "string": object}


def build_matrix_graph(booster: xgb.Booster, name: str) -> onnx.ModelProto:
    """Input `features` float32 [batch, K]; outputs `label` [batch] and `probabilities` [batch, 3]."""
    matrix = helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["batch", booster.num_features()])
    return build_model([tree_node(booster)], [matrix], [], name)


def build_graph(tables: list[ShareTable], booster: xgb.Booster, name: str) -> onnx.ModelProto:
    """One input per field, each [batch, 1]; outputs `label` [batch] and `probabilities` [batch, 3]."""
    columns = ["hour", "day_of_week", *NUMERIC_FIELDS, *(table.feature for table in tables)]
    nodes = [
        *clock_nodes(),
        *(table_node(table) for table in tables),
        helper.make_node("Concat", columns, [INPUT], axis=1),
        tree_node(booster),
    ]
    inputs = [helper.make_tensor_value_info(field, TENSOR_TYPES[kind], ["batch", 1]) for field, kind in FIELDS.items()]
    return build_model(nodes, inputs, clock_constants(), name)


def build_model(
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    constants: list[onnx.TensorProto],
    name: str,
) -> onnx.ModelProto:
    outputs = [
        helper.make_tensor_value_info("label", TensorProto.STRING, ["batch"]),
        helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", len(CLASSES)]),
    ]
    graph = helper.make_graph(nodes, name, inputs, outputs, initializer=constants)
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(ML, ML_OPSET)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name=name)
    onnx.checker.check_model(model, full_check=True)
    return model


def clock_constants() -> list[onnx.TensorProto]:
    values = {
        "seconds_per_hour": SECONDS_PER_HOUR,
        "seconds_per_day": SECONDS_PER_DAY,
        "days_per_week": DAYS_PER_WEEK,
        "epoch_weekday": EPOCH_WEEKDAY,
    }
    return [helper.make_tensor(key, TensorProto.INT64, [1], [value]) for key, value in values.items()]


def clock_nodes() -> list[onnx.NodeProto]:
    """Hour and weekday by int64 arithmetic: a float32 cannot hold Unix seconds to better than two minutes."""
    return [
        helper.make_node("Mod", ["timestamp", "seconds_per_day"], ["second_of_day"]),
        helper.make_node("Div", ["second_of_day", "seconds_per_hour"], ["hour_int"]),
        helper.make_node("Cast", ["hour_int"], ["hour"], to=TensorProto.FLOAT),
        helper.make_node("Sub", ["timestamp", "second_of_day"], ["midnight"]),
        helper.make_node("Div", ["midnight", "seconds_per_day"], ["day"]),
        helper.make_node("Add", ["day", "epoch_weekday"], ["day_since_monday"]),
        helper.make_node("Mod", ["day_since_monday", "days_per_week"], ["day_of_week_int"]),
        helper.make_node("Cast", ["day_of_week_int"], ["day_of_week"], to=TensorProto.FLOAT),
    ]


def table_node(table: ShareTable) -> onnx.NodeProto:
    keys = "keys_int64s" if FIELDS[table.field] == "long" else "keys_strings"
    return helper.make_node(
        "LabelEncoder",
        [table.field],
        [table.feature],
        domain=ML,
        values_floats=[float(share) for share in table.shares.values()],
        default_float=float(table.default),
        **{keys: list(table.shares)},
    )


def tree_node(booster: xgb.Booster) -> onnx.NodeProto:
    """XGBoost trees as one ensemble node: left when feature < threshold or missing where the tree says so, softmax."""
    learner = json.loads(bytes(booster.save_raw("json")))["learner"]
    model = learner["gradient_booster"]["model"]
    nodes, leaves = [], []
    for tree_id, (tree, class_id) in enumerate(zip(model["trees"], model["tree_info"], strict=True)):
        links = zip(
            tree["split_indices"],
            tree["split_conditions"],
            tree["default_left"],
            tree["left_children"],
            tree["right_children"],
            strict=True,
        )
        for node_id, (feature, value, missing_left, left, right) in enumerate(links):
            if left < 0:
                leaves.append((tree_id, node_id, class_id, value))
                nodes.append((tree_id, node_id, 0, 0.0, "LEAF", 0, 0, 0))
            else:
                nodes.append((tree_id, node_id, feature, value, "BRANCH_LT", left, right, int(missing_left)))
    node_names = "treeids nodeids featureids values modes truenodeids falsenodeids missing_value_tracks_true".split()
    attributes = {f"nodes_{key}": column for key, column in zip(node_names, zip(*nodes, strict=True), strict=True)}
    leaf_names = ("class_treeids", "class_nodeids", "class_ids", "class_weights")
    attributes |= dict(zip(leaf_names, zip(*leaves, strict=True), strict=True))
    return helper.make_node(
        "TreeEnsembleClassifier",
        [INPUT],
        ["label", "probabilities"],
        domain=ML,
        classlabels_strings=CLASSES,
        post_transform="SOFTMAX",
        **attributes,
    )


def to_tensors(frame: pd.DataFrame) -> dict[str, np.ndarray]:
    """One [N, 1] array per field, in the type its graph input declares."""
    return {field: frame[field].to_numpy(dtype=NUMPY_TYPES[kind]).reshape(-1, 1) for field, kind in FIELDS.items()}
