"""Which converter each class of estimator gets."""

from __future__ import annotations

from typing import Any

from skl2onnx import update_registered_converter
from skl2onnx._supported_operators import sklearn_operator_name_map
from skl2onnx.common._registration import get_converter
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType

from .categories import own_converters
from .folder import register_folder
from .forests import FORESTS, register_forest
from .trees import FLOAT32_INSIDE, FLOAT64_INSIDE, wrap

CLASSIFIER_OPTIONS = {"nocl": [True, False], "zipmap": [True, False, "columns"], "raw_scores": [True, False]}


def register(numbers: Any, libraries: set[str], missing_text: Any) -> None:
    """Make skl2onnx use the converters of this package for graphs that compute in `numbers`."""
    for model_class, shape, convert in own_converters(numbers, missing_text):
        update_registered_converter(model_class, f"Slipway{model_class.__name__}", shape, convert)
    register_folder(numbers)
    for model_class, alias in list(sklearn_operator_name_map.items()):
        if alias in FORESTS:
            wrap(model_class, alias, FloatTensorType)
            register_forest(model_class, alias, get_converter(f"Slipway{alias}"))
        elif alias in FLOAT32_INSIDE:
            wrap(model_class, alias, FloatTensorType)
        elif alias in FLOAT64_INSIDE and numbers is DoubleTensorType:
            wrap(model_class, alias, DoubleTensorType, exact=True)
    if "xgboost" in libraries:
        register_xgboost()
    if "lightgbm" in libraries:
        register_lightgbm(numbers)


def register_xgboost() -> None:
    from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost
    from xgboost import XGBClassifier, XGBRegressor, XGBRFClassifier, XGBRFRegressor

    def convert(scope: Any, operator: Any, container: Any) -> None:
        # The converter takes no names but f0, f1, …; the order of the columns is that of training.
        operator.raw_operator.get_booster().feature_names = None
        convert_xgboost(scope, operator, container)

    for model_class in (XGBClassifier, XGBRFClassifier, XGBRegressor, XGBRFRegressor):
        is_classifier = issubclass(model_class, XGBClassifier)
        boosted(model_class, convert, FloatTensorType, is_classifier=is_classifier)


def register_lightgbm(numbers: Any) -> None:
    from lightgbm import LGBMClassifier, LGBMRegressor
    from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm

    exact = numbers is DoubleTensorType
    for model_class in (LGBMClassifier, LGBMRegressor):
        is_classifier = model_class is LGBMClassifier
        boosted(model_class, convert_lightgbm, numbers, is_classifier=is_classifier, exact=exact)


def boosted(model_class: type, convert: Any, inside: Any, *, is_classifier: bool, exact: bool = False) -> None:
    """Register a converter of onnxmltools, and then the cast around it."""
    from skl2onnx.common.shape_calculator import (
        calculate_linear_classifier_output_shapes,
        calculate_linear_regressor_output_shapes,
    )

    shape = calculate_linear_classifier_output_shapes if is_classifier else calculate_linear_regressor_output_shapes
    alias = model_class.__name__
    options = CLASSIFIER_OPTIONS if is_classifier else None
    update_registered_converter(model_class, alias, shape, convert, options=options)
    assert get_converter(alias) is not None
    wrap(model_class, alias, inside, exact=exact)
