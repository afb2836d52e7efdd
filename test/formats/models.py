"""Every format that Python's libraries leave, trained and saved by the library itself, with its own predictions."""

import json
import pickle
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import cloudpickle
import joblib
import lightgbm
import mlflow
import numpy as np
import pandas as pd
import xgboost
from mlflow.models import infer_signature
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import LabelEncoder, OneHotEncoder, StandardScaler

ROWS = 500
RANDOM = np.random.default_rng(6)
CITIES = ["Köln", "New York", "पुणे", "Ørsta", "none"]


def table(count: int) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "age": RANDOM.integers(18, 90, count),
            "income": RANDOM.gamma(2.0, 12_000.0, count).round(2),
            "city": RANDOM.choice(CITIES, count),
        }
    )
    frame.loc[RANDOM.random(count) < 0.05, "income"] = np.nan
    return frame


TRAIN, TEST = table(3_000), table(ROWS)
NUMBERS = ["age", "income"]


def risk(frame: pd.DataFrame) -> np.ndarray:
    return frame["income"].fillna(20_000) / 10_000 + frame["age"] / 30 + (frame["city"] == "Köln") * 2


CLASSES = np.array(["high", "low", "mid"])[np.digitize(risk(TRAIN), [3.6, 5.4])]
AMOUNTS = (risk(TRAIN) * 3 + RANDOM.normal(0, 0.5, len(TRAIN))).to_numpy()
FILLED_TRAIN, FILLED_TEST = TRAIN.fillna({"income": 20_000.0}), TEST.fillna({"income": 20_000.0})


def pipeline(model):
    columns = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), NUMBERS),
            ("city", OneHotEncoder(handle_unknown="ignore"), ["city"]),
        ]
    )
    return make_pipeline(columns, model).fit(TRAIN, CLASSES)


UNNAMED = FILLED_TEST[NUMBERS].set_axis(["f0", "f1"], axis=1)
CLASSIFIER = pipeline(LogisticRegression(max_iter=500))
FOREST = RandomForestClassifier(30, random_state=1).fit(FILLED_TRAIN[NUMBERS].to_numpy(), CLASSES)
REGRESSOR = GradientBoostingRegressor(random_state=1).fit(FILLED_TRAIN[NUMBERS], AMOUNTS)


@dataclass(frozen=True)
class Format:
    name: str
    """Saves into the folder and answers with what is served."""
    save: Callable[[Path], Path]
    rows: pd.DataFrame
    predictions: np.ndarray
    probabilities: np.ndarray | None = None
    labels: list | None = None
    """How far a number may be from the library's own: 32-bit trees round."""
    tolerance: float = 1e-6


def dumped(write, name: str, model):
    def save(folder: Path) -> Path:
        with (folder / name).open("wb") as file:
            write(model, file)
        return folder / name

    return save


def by_mlflow(flavor, model, **options):
    def save(folder: Path) -> Path:
        flavor.save_model(model, str(folder / "model"), **options)
        return folder / "model"

    return save


def classified(name: str, save, model=CLASSIFIER, rows=TEST, of=lambda rows: rows) -> Format:
    given = of(rows)
    return Format(name, save, rows, model.predict(given), model.predict_proba(given), list(model.classes_))


def notebook_folder(folder: Path) -> Path:
    """Model, scaler and encoders side by side, and the names of the columns in the model's order."""
    encoder, scaler = LabelEncoder().fit(CITIES), StandardScaler()
    (folder / "left").mkdir()
    joblib.dump(encoded_model(encoder, scaler), folder / "left" / "risk_model.pkl")
    joblib.dump(scaler, folder / "left" / "scaler.pkl")
    joblib.dump({"city": encoder}, folder / "left" / "label_encoders.pkl")
    (folder / "left" / "feature_names.json").write_text(json.dumps([*NUMBERS, "city"]))
    return folder / "left"


def encoded(frame: pd.DataFrame, encoder: LabelEncoder) -> np.ndarray:
    return np.column_stack([frame[NUMBERS].to_numpy(), encoder.transform(frame["city"])])


def encoded_model(encoder: LabelEncoder, scaler: StandardScaler) -> LogisticRegression:
    return LogisticRegression(max_iter=500).fit(scaler.fit_transform(encoded(FILLED_TRAIN, encoder)), CLASSES)


def of_notebook_folder() -> Format:
    encoder, scaler = LabelEncoder().fit(CITIES), StandardScaler()
    model = encoded_model(encoder, scaler)
    given = scaler.transform(encoded(FILLED_TEST, encoder))
    return Format(
        "notebook-folder", notebook_folder, FILLED_TEST, model.predict(given), model.predict_proba(given), list(model.classes_)
    )


TRANSFORMER = """
def transform_raw_input(raw_data):
    '''Raw fields to the vector that the model takes.'''
    return [float(raw_data["age"]), float(raw_data["income"])]
"""


def transformer_folder(folder: Path) -> Path:
    (folder / "app").mkdir()
    joblib.dump(FOREST, folder / "app" / "model.joblib")
    (folder / "app" / "feature_transformer.py").write_text(TRANSFORMER)
    rows = FILLED_TEST.head(5).to_json(orient="records")
    (folder / "app" / "input_example.json").write_text(rows)
    return folder / "app"


def native(name: str):
    def save(folder: Path) -> Path:
        xgb_classifier().get_booster().save_model(folder / name)
        return folder / name

    return save


def xgb_classifier() -> xgboost.XGBClassifier:
    return xgboost.XGBClassifier(n_estimators=20, max_depth=4).fit(TRAIN[NUMBERS], LabelEncoder().fit_transform(CLASSES))


def lgb_regressor() -> lightgbm.LGBMRegressor:
    return lightgbm.LGBMRegressor(n_estimators=30, verbose=-1).fit(TRAIN[NUMBERS], AMOUNTS)


def lightgbm_file(folder: Path) -> Path:
    lgb_regressor().booster_.save_model(folder / "model.txt")
    return folder / "model.txt"


# Its class goes with the model, as that of a notebook does.
cloudpickle.register_pickle_by_value(sys.modules[__name__])


class Scaled(mlflow.pyfunc.PythonModel):
    """A model of one's own with an inference parameter."""

    def predict(self, context, model_input, params=None):
        return model_input["age"] * (params or {}).get("factor", 1.0) + model_input["income"].fillna(0.0)


def all_formats() -> list[Format]:
    boosted, light = xgb_classifier(), lgb_regressor()
    signature = infer_signature(TRAIN, CLASSIFIER.predict(TRAIN))
    numbers = infer_signature(TRAIN[NUMBERS], AMOUNTS)
    scaled = infer_signature(TRAIN[NUMBERS], AMOUNTS, params={"factor": 1.0})
    as_floats = {"probabilities": boosted.predict_proba(TEST[NUMBERS]), "labels": [0, 1, 2], "tolerance": 1e-5}
    return [
        classified("pickle", dumped(pickle.dump, "model.pkl", CLASSIFIER)),
        classified("cloudpickle", dumped(cloudpickle.dump, "model.pickle", CLASSIFIER)),
        classified("joblib", dumped(joblib.dump, "model.joblib", CLASSIFIER)),
        classified("joblib-of-numbers", dumped(joblib.dump, "model.joblib", FOREST), FOREST, UNNAMED, lambda rows: rows.to_numpy()),
        Format("regressor", dumped(joblib.dump, "model.joblib", REGRESSOR), FILLED_TEST[NUMBERS], REGRESSOR.predict(FILLED_TEST[NUMBERS])),
        classified("mlflow-sklearn", by_mlflow(mlflow.sklearn, CLASSIFIER, signature=signature, skops_trusted_types=["numpy.dtype"])),
        classified(
            "mlflow-sklearn-cloudpickle", by_mlflow(mlflow.sklearn, CLASSIFIER, signature=signature, serialization_format="cloudpickle")
        ),
        classified("mlflow-sklearn-pickle", by_mlflow(mlflow.sklearn, CLASSIFIER, signature=signature, serialization_format="pickle")),
        classified("mlflow-xgboost", by_mlflow(mlflow.xgboost, boosted, signature=numbers), boosted, TEST[NUMBERS]),
        Format("mlflow-lightgbm", by_mlflow(mlflow.lightgbm, light, signature=numbers), TEST[NUMBERS], light.predict(TEST[NUMBERS])),
        Format(
            "mlflow-python-model",
            python_model(scaled),
            TEST[NUMBERS],
            (TEST["age"] + TEST["income"].fillna(0.0)).to_numpy(),
        ),
        Format("xgboost-json", native("model.json"), TEST[NUMBERS], boosted.predict(TEST[NUMBERS]), **as_floats),
        Format("xgboost-ubj", native("model.ubj"), TEST[NUMBERS], boosted.predict(TEST[NUMBERS]), **as_floats),
        Format("lightgbm-txt", lightgbm_file, TEST[NUMBERS], light.predict(TEST[NUMBERS])),
        of_notebook_folder(),
        classified("feature-transformer", transformer_folder, FOREST, FILLED_TEST, lambda rows: rows[NUMBERS].to_numpy()),
    ]


def python_model(signature):
    def save(folder: Path) -> Path:
        mlflow.pyfunc.save_model(str(folder / "model"), python_model=Scaled(), signature=signature)
        return folder / "model"

    return save
