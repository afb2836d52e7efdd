"""Model files as notebooks leave them, with what lies beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from slipway_worker.facts import feature_names_of
from slipway_worker.loaders.answers import with_target
from slipway_worker.loaders.boosters import lightgbm_booster, lightgbm_file, xgboost_booster, xgboost_file
from slipway_worker.loaders.bundle import Bundle, add_neighbours, names_of, open_bundle
from slipway_worker.loaders.estimator import EstimatorPredictor, inputs_of
from slipway_worker.loaders.feature_steps import FeatureSteps
from slipway_worker.loaders.pickled import read_pickle
from slipway_worker.loaders.predictor import Inputs, Predictor, facts_of
from slipway_worker.loaders.raw_input import RawInput, find_transformer
from slipway_worker.loaders.skops_file import read_skops
from slipway_worker.port import Columns, Model, ModelUnreadable
from slipway_worker.tables import require_pandas

_LIGHTGBM = (".txt", ".lgb", ".lgbm")


def load_notebook(folder: Path, file: Path) -> Model:
    """The model in `file`, with the scaler, encoders, names of features or transformer that lie in `folder`."""
    if not file.is_file():
        raise ModelUnreadable(f"{file.name} is not among the files of the model")
    bundle = Bundle()
    predictor = _predictor_in(file, bundle)
    transformer = find_transformer(folder)
    if transformer is None:
        add_neighbours(folder, file, bundle)
        inputs, prepare = _steps_of(bundle, predictor)
    else:
        add_neighbours(folder, file, bundle, only=("target_encoder", "target_scaler", "feature_names"))
        raw = RawInput(folder, transformer, predictor.inputs, _features_after(bundle, predictor))
        inputs, prepare = raw.inputs, raw.prepare
        predictor.executes_code = True
    answering = with_target(predictor, bundle, predictor.inputs.names or inputs.names)
    facts = facts_of(answering, inputs)
    return Model(facts, prepare, lambda table, rows, _params: answering(table, rows), answering)


def _features_after(bundle: Bundle, predictor: Predictor) -> list[str] | None:
    """The columns that a transformer has to make, where anybody names them."""
    listed = bundle.get("feature_names")
    if predictor.inputs.named or listed is None:
        return predictor.inputs.names
    names = names_of(*listed)
    if predictor.inputs.width is not None and len(names) != predictor.inputs.width:
        raise ModelUnreadable(f"{listed[0]} names {len(names)} features and the model takes {predictor.inputs.width}")
    return names


def _predictor_in(file: Path, bundle: Bundle) -> Predictor:
    suffix = file.suffix.lower()
    if suffix in (".pkl", ".pickle", ".joblib"):
        content = read_pickle(file)
        if isinstance(content, Mapping):
            content = open_bundle(file.name, content, bundle)
        return _predictor_of(content, file.name)
    if suffix == ".skops":
        return EstimatorPredictor(read_skops(file, None), executes_code=False)
    if suffix in _LIGHTGBM or (suffix == ".model" and file.read_bytes()[:5] in (b"tree\n", b"tree\r")):
        return lightgbm_file(file)
    return xgboost_file(file)


def _predictor_of(model: Any, name: str) -> Predictor:
    library, kind = type(model).__module__.partition(".")[0], type(model).__name__
    if kind == "Booster" and library == "xgboost":
        return _coded(xgboost_booster(model, name))
    if kind == "Booster" and library == "lightgbm":
        return _coded(lightgbm_booster(model))
    if isinstance(model, type) or not hasattr(model, "predict"):
        held = f"the class {model.__name__}" if isinstance(model, type) else f"a {kind}"
        raise ModelUnreadable(
            f"{name} holds {held}, which has no predict: save the fitted model, or a dict with it as in "
            '{"model": …, "scaler": …}'
        )
    return EstimatorPredictor(model)


def _coded(predictor: Predictor) -> Predictor:
    predictor.executes_code = True
    return predictor


def _steps_of(bundle: Bundle, predictor: Predictor) -> tuple[Inputs, Callable[[Columns], Any]]:
    """What callers send, and how the model's table is made of it."""
    for role in ("preprocessor", "vectorizer"):
        part = bundle.get(role)
        if part is not None:
            _refuse_beside(bundle, role, part[0])
            return _transformed(part[0], part[1], predictor)
    if bundle.field_encoders or any(bundle.get(role) for role in ("scaler", "encoders", "feature_names")):
        steps = FeatureSteps(bundle, predictor.inputs)
        return steps.inputs, steps.prepare
    return predictor.inputs, predictor.inputs.prepare


def _refuse_beside(bundle: Bundle, role: str, source: str) -> None:
    others = [bundle.get(other) for other in ("preprocessor", "vectorizer", "scaler", "encoders") if other != role]
    beside = [part[0] for part in others if part is not None] + [part[0] for part in bundle.field_encoders]
    if beside:
        raise ModelUnreadable(
            f"{source} and {', '.join(beside)} could be applied in several orders: save one Pipeline of these steps and "
            "the model"
        )


def _transformed(source: str, transformer: Any, predictor: Predictor) -> tuple[Inputs, Callable[[Columns], Any]]:
    """A transformer of the whole table, whose result is what the model takes."""
    if not hasattr(transformer, "transform"):
        raise ModelUnreadable(f"{source} is a {type(transformer).__name__}, which has no transform")
    step = WholeTable(transformer, predictor.inputs)
    return step.inputs, step.prepare


class WholeTable:
    """A transformer of all columns at once."""

    def __init__(self, transformer: Any, model: Inputs) -> None:
        self.transformer = transformer
        self.inputs = inputs_of(transformer)
        self._names = [column.name for column in model.columns or ()] if model.named else None

    def prepare(self, columns: Columns) -> Any:
        made = self.transformer.transform(self.inputs.prepare(columns))
        if self._names is None or feature_names_of(made) is not None or hasattr(made, "columns"):
            return made
        dense = made.toarray() if hasattr(made, "toarray") else made
        return require_pandas().DataFrame(dense, columns=self._names)
