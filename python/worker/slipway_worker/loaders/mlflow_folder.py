"""Folders in MLflow's format, by mlflow where it is installed and by the flavour's own library where it is not."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from slipway_worker.facts import packages_in_use
from slipway_worker.loaders.boosters import lightgbm_booster, xgboost_booster
from slipway_worker.loaders.estimator import EstimatorPredictor
from slipway_worker.loaders.mlmodel import read_mlmodel
from slipway_worker.loaders.pickled import importing_from, read_pickle, refusing
from slipway_worker.loaders.predictor import Inputs, Predictor, facts_of
from slipway_worker.loaders.raw_input import RawInput, find_transformer
from slipway_worker.loaders.skops_file import read_skops
from slipway_worker.loaders.tensors import TensorInputs
from slipway_worker.port import Columns, Model, ModelUnreadable, Output, missing
from slipway_worker.tables import InputColumn
from slipway_worker.values import predictions_of

#: Flavours whose model is unwrapped, so that a classifier also answers probabilities.
_OWN = {"mlflow.sklearn": "sklearn", "mlflow.xgboost": "xgboost", "mlflow.lightgbm": "lightgbm"}


def load_mlflow(folder: Path, declared: Mapping[str, Any] | None) -> Model:
    """A folder with an MLmodel file; `declared` is what it says of inputs and outputs, if that was read already."""
    mlmodel = read_mlmodel(folder / "MLmodel")
    flavors = mlmodel["flavors"]
    function = flavors.get("python_function") or {}
    declared = declared if declared is not None else _declared_of(mlmodel)
    own = _own_flavor(flavors, function)
    if function.get("code"):
        with importing_from(folder / function["code"]):
            pass
    with refusing("MLmodel"):
        if function and importlib.util.find_spec("mlflow") is not None:
            pyfunc = _load_by_mlflow(folder)
            if own is None:
                return _as_pyfunc(folder, pyfunc, declared)
            raw = pyfunc.get_raw_model()
        elif own is not None:
            raw = _load_by_flavor(folder, own, flavors[own], function)
        else:
            raise missing("mlflow", _wanted(mlmodel))
    return _unwrapped(folder, raw, declared, executes_code=_executes_code(own, flavors[own], function))


def _own_flavor(flavors: Mapping[str, Any], function: Mapping[str, Any]) -> str | None:
    """The flavour to unwrap, if what `predict` of the python_function does is what that flavour's predict does."""
    if not function:
        return next((name for name in _OWN.values() if name in flavors), None)
    own = _OWN.get(function.get("loader_module", ""))
    return own if own in flavors and function.get("predict_fn", "predict") == "predict" else None


def _wanted(mlmodel: Mapping[str, Any]) -> str | None:
    version = mlmodel.get("mlflow_version")
    return None if version is None else f"=={version}"


def _load_by_mlflow(folder: Path) -> Any:
    import mlflow.pyfunc

    return mlflow.pyfunc.load_model(str(folder))


def _load_by_flavor(folder: Path, own: str, flavor: Mapping[str, Any], function: Mapping[str, Any]) -> Any:
    """The model itself, read as mlflow.sklearn, mlflow.xgboost and mlflow.lightgbm read it."""
    model_class = str(flavor.get("model_class", ""))
    if own == "sklearn":
        file = folder / str(flavor.get("pickled_model") or function.get("model_path") or "model.pkl")
        return _read_serialized(file, str(flavor.get("serialization_format", "pickle")), flavor)
    file = folder / str(flavor.get("data") or function.get("data"))
    if own == "xgboost":
        return _read_xgboost(file, model_class or "xgboost.core.Booster")
    if model_class in ("", "lightgbm.basic.Booster"):
        try:
            import lightgbm
        except ImportError as error:
            raise missing("lightgbm") from error
        return lightgbm.Booster(model_file=str(file))
    return _read_serialized(file, str(flavor.get("serialization_format", "cloudpickle")), flavor)


def _read_serialized(file: Path, form: str, flavor: Mapping[str, Any]) -> Any:
    if form == "skops":
        return read_skops(file, flavor.get("skops_trusted_types"))
    if form not in ("pickle", "cloudpickle"):
        raise ModelUnreadable(f'MLmodel: the serialization_format "{form}" is none of pickle, cloudpickle and skops')
    return read_pickle(file)


def _read_xgboost(file: Path, model_class: str) -> Any:
    try:
        import xgboost
    except ImportError as error:
        raise missing("xgboost") from error
    module, _, name = model_class.rpartition(".")
    if module.partition(".")[0] != "xgboost" or not hasattr(xgboost, name):
        raise ModelUnreadable(f'MLmodel: the installed xgboost has no model_class "{model_class}"')
    model = getattr(xgboost, name)()
    model.load_model(str(file))
    return model


def _executes_code(own: str, flavor: Mapping[str, Any], function: Mapping[str, Any]) -> bool:
    """Whether loading runs more than the library: pickles do, code beside the model, and types that a skops file names."""
    if function.get("code"):
        return True
    if own == "xgboost" or (own == "lightgbm" and flavor.get("model_class", "") in ("", "lightgbm.basic.Booster")):
        return False
    return flavor.get("serialization_format") != "skops" or bool(flavor.get("skops_trusted_types"))


def _unwrapped(folder: Path, raw: Any, declared: Mapping[str, Any], executes_code: bool) -> Model:
    predictor = _predictor_of(raw, declared, executes_code)
    inputs = _declared_inputs(declared, predictor.inputs) or predictor.inputs
    facts = facts_of(predictor, inputs)
    return _behind_transformer(
        folder, inputs, Model(facts, inputs.prepare, lambda table, rows, _params: predictor(table, rows), predictor)
    )


def _behind_transformer(folder: Path, inputs: Inputs | TensorInputs, model: Model) -> Model:
    """The model with the `feature_transformer.py` that somebody put beside the MLmodel file, if there is one."""
    transformer = find_transformer(folder)
    if transformer is None:
        return model
    raw = RawInput(folder, transformer, inputs, inputs.names)
    return model.behind(raw.prepare, {**raw.inputs.facts(), "executes_code": True})


def _predictor_of(raw: Any, declared: Mapping[str, Any], executes_code: bool) -> Predictor:
    library, kind = type(raw).__module__.partition(".")[0], type(raw).__name__
    if kind != "Booster" or library not in ("xgboost", "lightgbm"):
        return EstimatorPredictor(raw, executes_code)
    booster = xgboost_booster(raw, "MLmodel") if library == "xgboost" else lightgbm_booster(raw)
    if declared.get("task") != "classification" and booster.task == "classification":
        booster.answer_as_it_is()
    return booster


def _declared_inputs(declared: Mapping[str, Any], known: Inputs | None) -> Inputs | TensorInputs | None:
    """The inputs that an MLmodel file declares, with what the model knows of its columns; None where it declares none."""
    inputs: Sequence[Mapping[str, Any]] | None = declared.get("inputs")
    if not inputs:
        return None
    if all(column.get("shape") is not None for column in inputs):
        return TensorInputs(inputs)
    by_name = {column.name: column for column in (known.columns or ())} if known is not None and known.named else {}
    columns = [
        _declared_column(_name_of(column, place, len(inputs)), column, by_name) for place, column in enumerate(inputs)
    ]
    if set(by_name) == {column.name for column in columns}:
        columns.sort(key=lambda column: list(by_name).index(column.name))
    named = known is None or known.named or known.columns is None
    # An estimator that takes an array of its own columns does not take one of others.
    ignores_names = known is not None and known.ignores_names and set(by_name) == {column.name for column in columns}
    return Inputs(tuple(columns), len(columns), named=named, ignores_names=ignores_names)


def _name_of(column: Mapping[str, Any], place: int, count: int) -> str:
    """The name of a column, or what the server calls one that has none."""
    return column.get("name") or ("input" if count == 1 else f"f{place}")


def _declared_column(name: str, column: Mapping[str, Any], by_name: Mapping[str, InputColumn]) -> InputColumn:
    required = bool(column.get("required", True))
    known = by_name.get(name)
    return InputColumn(
        name,
        column["type"],
        required=required,
        nullable=not required or (known is not None and known.nullable),
        categories=known.categories if known is not None and column["type"] == "string" else None,
        dtype_categories=None if known is None else known.dtype_categories,
        missing_text=None if known is None else known.missing_text,
    )


class _ListInput(Inputs):
    """The one column of a python_function whose type hint is a list: the list of its values."""

    def prepare(self, columns: Columns) -> Any:
        values = columns.arrays[columns.names[0]]
        return values if isinstance(values, list) else values.tolist()


def _as_pyfunc(folder: Path, pyfunc: Any, declared: Mapping[str, Any]) -> Model:
    inputs = _declared_inputs(declared, None) or Inputs(None, None, named=True)
    if inputs.columns is not None and len(inputs.columns) == 1 and pyfunc.metadata._is_signature_from_type_hint():
        inputs = _ListInput(inputs.columns, 1, named=True)
    facts = {
        "kind": "pyfunc",
        "executes_code": True,
        **inputs.facts(),
        "task": declared.get("task") or "generic",
        "labels": declared.get("labels"),
        "has_probabilities": False,
        "packages": packages_in_use(),
    }

    def answer(table: Any, rows: int, params: Mapping[str, Any] | None) -> Output:
        return Output(predictions_of(pyfunc.predict(table, params=dict(params) if params else None), rows))

    return _behind_transformer(folder, inputs, Model(facts, inputs.prepare, answer))


def _declared_of(mlmodel: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs of the signature, which is JSON inside the YAML."""
    text = (mlmodel.get("signature") or {}).get("inputs")
    if not isinstance(text, str):
        return {"inputs": None}
    inputs = []
    for column in json.loads(text):
        tensor = column.get("tensor-spec")
        inputs.append(
            {
                "name": column.get("name"),
                "type": tensor["dtype"] if tensor else column["type"],
                "required": column.get("required", True),
                "shape": tensor["shape"] if tensor else None,
            }
        )
    return {"inputs": inputs}
