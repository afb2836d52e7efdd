"""The steps of an estimator: which of them no converter knows, and what can be done about each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .report import Refusal


def walk(estimator: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every estimator inside another, with the names that lead to it."""
    yield path or type(estimator).__name__, estimator
    for name, inner in children_of(estimator):
        if inner is not None and not isinstance(inner, str):
            yield from walk(inner, f"{path}.{name}" if path else name)


def children_of(estimator: Any) -> list[tuple[str, Any]]:
    if hasattr(estimator, "transformers_"):
        return [(name, inner) for name, inner, _ in estimator.transformers_]
    if hasattr(estimator, "steps"):
        return list(estimator.steps)
    if hasattr(estimator, "transformer_list"):
        return list(estimator.transformer_list)
    for name in ("best_estimator_", "estimator_", "regressor_", "scaler"):
        if hasattr(estimator, name) and hasattr(getattr(estimator, name), "get_params"):
            return [(name, getattr(estimator, name))]
    named = getattr(estimator, "named_estimators_", None)
    return list(named.items()) if named else []


def libraries_of(estimator: Any) -> set[str]:
    """The libraries other than scikit-learn that its steps come from."""
    modules = {type(step).__module__.split(".")[0] for _, step in walk(estimator)}
    return modules & {"xgboost", "lightgbm"}


def named_by_columns(estimator: Any) -> bool:
    """Whether some step picks columns, so that each is an input of its own."""
    return any(hasattr(step, "transformers_") for _, step in walk(estimator))


def refuse_unconvertible(estimator: Any) -> None:
    """Name the first step that cannot become nodes of a graph, and what can be done."""
    from skl2onnx._supported_operators import sklearn_operator_name_map
    from sklearn.pipeline import FeatureUnion

    from .categories import ELEMENTWISE
    from .folder import ColumnOrder, FieldCodes, ScaledColumns

    known = {*sklearn_operator_name_map, FeatureUnion, ColumnOrder, FieldCodes, ScaledColumns}
    for path, step in walk(estimator):
        kind = type(step)
        if kind.__name__ == "FunctionTransformer" and step.func is not None and step.func not in ELEMENTWISE:
            name = getattr(step.func, "__qualname__", repr(step.func))
            raise Refusal(
                "unsupported",
                f'Step "{path}" is a FunctionTransformer of {name}, which is Python code and no graph. Do this step before '
                "the model, as a transform of Slipway, or use a transformer of scikit-learn that does the same; numpy.log, "
                "log1p, sqrt, exp, abs and square are taken",
            )
        is_composed = bool(children_of(step))
        if kind in known or is_composed or kind.__module__.split(".")[0] in ("xgboost", "lightgbm"):
            continue
        raise Refusal(
            "unsupported",
            f'Step "{path}" is a {kind.__module__}.{kind.__name__}, for which there is no converter. Put a step of '
            "scikit-learn in its place that there is one for, or let the Python runtime serve the model",
        )
