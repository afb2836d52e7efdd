"""Forests that vote: their sums are kept as exact as scikit-learn's own.

skl2onnx divides each vote by the number of trees before it is added up in float32, where as many votes for one label as for
another are no longer a tie. Forests that are grown to the end tie often.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto, numpy_helper
from skl2onnx import update_registered_converter
from skl2onnx.common._registration import get_converter, get_shape_calculator

from .categories import NUMPY, PROTO, Nodes

FORESTS = ("SklearnRandomForestClassifier", "SklearnExtraTreesClassifier")


def register_forest(model_class: type, alias: str, otherwise: Any) -> None:
    """Register the converter; `otherwise` is that of forests which answer several labels."""

    def convert(scope: Any, operator: Any, container: Any) -> None:
        if operator.raw_operator.n_outputs_ > 1:
            otherwise(scope, operator, container)
        else:
            convert_forest(scope, operator, container)

    options = getattr(get_converter(alias), "_options", None)
    update_registered_converter(model_class, f"Slipway{alias}", get_shape_calculator(alias), convert, options=options)


def convert_forest(scope: Any, operator: Any, container: Any) -> None:
    nodes = Nodes(scope, container)
    forest = operator.raw_operator
    # The trees compare the float32 of a number with a threshold of float64.
    narrow = nodes.add("Cast", operator.inputs[0].full_name, to=TensorProto.FLOAT)
    given = nodes.add("Cast", narrow, to=TensorProto.DOUBLE)
    votes = nodes.add(
        "TreeEnsembleRegressor",
        given,
        op_domain="ai.onnx.ml",
        op_version=3,
        n_targets=len(forest.classes_),
        post_transform="NONE",
        **votes_of(forest),
    )
    kind = type(operator.outputs[1].type)
    count = nodes.constant([len(forest.estimators_)], NUMPY[kind])
    shares = nodes.add("Div", nodes.add("Cast", votes, to=PROTO[kind]), count, output=operator.outputs[1].full_name)
    winner = nodes.add("ArgMax", shares, axis=1, keepdims=0)
    labels = label_constant(nodes, forest.classes_)
    label = nodes.add("ArrayFeatureExtractor", labels, winner, op_domain="ai.onnx.ml")
    nodes.add("Reshape", label, nodes.constant([-1], np.int64), output=operator.outputs[0].full_name)


def label_constant(nodes: Nodes, classes: Any) -> str:
    """Texts and whole numbers as they are; other labels by their place, which the version's declared labels name."""
    if all(isinstance(label, str) for label in classes):
        return nodes.texts([str(label) for label in classes])
    numbers = np.asarray(classes)
    is_whole = np.issubdtype(numbers.dtype, np.integer)
    return nodes.constant(numbers if is_whole else range(len(numbers)), np.int64)


def votes_of(forest: Any) -> dict[str, Any]:
    """Attributes of the node, whose leaves hold the shares of the labels in them."""
    trees = [each.tree_ for each in forest.estimators_]
    counts = [tree.node_count for tree in trees]
    leaves = [np.flatnonzero(tree.children_left < 0) for tree in trees]
    width = len(forest.classes_)

    def joined(each: Any) -> np.ndarray:
        return np.concatenate([each(tree) for tree in trees])

    def children(name: str) -> np.ndarray:
        return np.maximum(joined(lambda tree: getattr(tree, name)), 0)

    def missing(tree: Any) -> np.ndarray:
        ways = getattr(tree, "missing_go_to_left", None)
        return np.zeros(tree.node_count, np.int64) if ways is None else np.asarray(ways).astype(np.int64)

    is_leaf = joined(lambda tree: tree.children_left < 0)
    shares = np.concatenate([tree.value[own, 0, :] for tree, own in zip(trees, leaves, strict=True)])
    shares = shares / shares.sum(axis=1, keepdims=True)
    thresholds = np.where(is_leaf, 0.0, joined(lambda tree: tree.threshold))
    per_tree = [len(own) * width for own in leaves]
    return {
        "nodes_treeids": np.repeat(np.arange(len(trees)), counts).tolist(),
        "nodes_nodeids": joined(lambda tree: np.arange(tree.node_count)).tolist(),
        "nodes_featureids": np.where(is_leaf, 0, joined(lambda tree: tree.feature)).tolist(),
        "nodes_modes": np.where(is_leaf, "LEAF", "BRANCH_LEQ").tolist(),
        "nodes_values_as_tensor": tensor("nodes_values", thresholds),
        "nodes_truenodeids": children("children_left").tolist(),
        "nodes_falsenodeids": children("children_right").tolist(),
        "nodes_missing_value_tracks_true": joined(missing).tolist(),
        "target_treeids": np.repeat(np.arange(len(trees)), per_tree).tolist(),
        "target_nodeids": np.concatenate([np.repeat(own, width) for own in leaves]).tolist(),
        "target_ids": np.tile(np.arange(width), sum(len(own) for own in leaves)).tolist(),
        "target_weights_as_tensor": tensor("target_weights", shares.ravel()),
    }


def tensor(name: str, numbers: np.ndarray) -> Any:
    return numpy_helper.from_array(numbers.astype(np.float64), f"{name}_as_tensor")
