"""The ONNX graph: one float32 matrix of transformed columns in, label and probabilities out."""

from __future__ import annotations

import json

import numpy as np
import onnx
import xgboost as xgb
from onnx import TensorProto, helper

from simulate import OUTCOMES

OPSET, ML_OPSET, IR_VERSION = 17, 3, 8
ML = "ai.onnx.ml"
INPUT = "features"


def build_graph(booster: xgb.Booster, calibration: tuple[float, float], name: str) -> onnx.ModelProto:
    """Input `features` [batch, K]; outputs `label` [batch] and `probabilities` [batch, 2], in the order of OUTCOMES.

    The log-odds of a default are slope · margin + intercept; both are folded into the leaves.
    """
    width = booster.num_features()
    output = helper.make_tensor_value_info("label", TensorProto.STRING, ["batch"])
    probabilities = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", len(OUTCOMES)])
    graph = helper.make_graph(
        [tree_node(booster, *calibration)],
        name,
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["batch", width])],
        [output, probabilities],
    )
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(ML, ML_OPSET)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name=name)
    onnx.checker.check_model(model, full_check=True)
    return model


def tree_node(booster: xgb.Booster, slope: float, intercept: float) -> onnx.NodeProto:
    """XGBoost trees: left when the feature is less than the threshold, or missing where the tree says so."""
    model = json.loads(bytes(booster.save_raw("json")))["learner"]["gradient_booster"]["model"]
    nodes, leaves = [], []
    for tree_id, tree in enumerate(model["trees"]):
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
                leaves.append((tree_id, node_id, 0, slope * value))
                nodes.append((tree_id, node_id, 0, 0.0, "LEAF", 0, 0, 0))
            else:
                nodes.append((tree_id, node_id, feature, value, "BRANCH_LT", left, right, int(missing_left)))
    names = "treeids nodeids featureids values modes truenodeids falsenodeids missing_value_tracks_true".split()
    attributes = {f"nodes_{key}": column for key, column in zip(names, zip(*nodes, strict=True), strict=True)}
    names = "class_treeids class_nodeids class_ids class_weights".split()
    attributes |= dict(zip(names, zip(*leaves, strict=True), strict=True))
    return helper.make_node(
        "TreeEnsembleClassifier",
        [INPUT],
        ["label", "probabilities"],
        domain=ML,
        classlabels_strings=OUTCOMES,
        base_values=[intercept],
        post_transform="LOGISTIC",
        **attributes,
    )


def trainer_probabilities(booster: xgb.Booster, calibration: tuple[float, float], matrix: np.ndarray) -> np.ndarray:
    """Of a default, [N], from the trainer itself."""
    slope, intercept = calibration
    margin = booster.predict(xgb.DMatrix(matrix), output_margin=True).astype("float64")
    return 1 / (1 + np.exp(-(slope * margin + intercept)))
