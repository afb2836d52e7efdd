"""XGBoost's and LightGBM's own files, folders of notebooks, and models that no graph can be made of."""

import json
import pickle

import joblib
import lightgbm
import numpy as np
import pandas as pd
import pytest
import xgboost
from conftest import ROWS, columns_of
from conversion import assert_same_labels, assert_same_numbers, convert, refusal
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, LabelEncoder, OrdinalEncoder, StandardScaler
from slipway_worker.models import load


def numbers(seed=0):
    table = np.random.default_rng(seed).normal(size=(ROWS, 4)) * [1, 10, 100, 0.1]
    table[::9, 1] = np.nan
    return table


def target(table):
    return table[:, 0] * 2 + np.nan_to_num(table[:, 1]) / 5


SETTINGS = {"n_estimators": 25, "max_depth": 4, "random_state": 0}


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("file", ["model.json", "model.ubj", "booster.json"])
def test_classifier_of_xgboost(classes, file, tmp_path):
    train, asked = numbers(), numbers(1)
    labels = np.digitize(target(train), [0] if classes == 2 else [-1, 1])
    model = xgboost.XGBClassifier(**SETTINGS).fit(train, labels)
    (model.get_booster() if file.startswith("booster") else model).save_model(tmp_path / file)
    assert_same_labels(convert(tmp_path, file), asked, model.predict(asked), model.predict_proba(asked))


@pytest.mark.parametrize("objective", ["reg:squarederror", "count:poisson"])
def test_regressor_of_xgboost(objective, tmp_path):
    train, asked = numbers(), numbers(1)
    model = xgboost.XGBRegressor(objective=objective, **SETTINGS).fit(train, np.abs(target(train)))
    model.get_booster().save_model(tmp_path / "booster.json")
    converted = convert(tmp_path, "booster.json")
    answers = converted.ask(asked)[0].reshape(-1)
    np.testing.assert_allclose(answers, model.predict(asked), rtol=2e-6, atol=1e-6)


def test_names_of_columns_do_not_disturb_the_order_of_xgboost(tmp_path):
    names = ["zeta", "alpha", "mid", "beta"]
    train, asked = (pd.DataFrame(numbers(seed), columns=names) for seed in (0, 1))
    model = xgboost.XGBClassifier(**SETTINGS).fit(train, target(train.to_numpy()) > 0)
    model.save_model(tmp_path / "model.json")
    assert_same_labels(convert(tmp_path, "model.json"), asked, model.predict(asked), model.predict_proba(asked))


@pytest.mark.parametrize("classes", [2, 3])
def test_classifier_of_lightgbm(classes, tmp_path):
    train, asked = numbers(), numbers(1)
    labels = np.digitize(target(train), [0] if classes == 2 else [-1, 1])
    model = lightgbm.LGBMClassifier(verbose=-1, **SETTINGS).fit(train, labels)
    model.booster_.save_model(tmp_path / "model.txt")
    joblib.dump(model, tmp_path / "model.joblib")
    for file in ("model.txt", "model.joblib"):
        assert_same_labels(convert(tmp_path, file), asked, model.predict(asked), model.predict_proba(asked))


def test_regressor_of_lightgbm(tmp_path):
    train, asked = numbers(), numbers(1)
    model = lightgbm.LGBMRegressor(verbose=-1, **SETTINGS).fit(train, target(train))
    model.booster_.save_model(tmp_path / "model.txt")
    assert_same_numbers(convert(tmp_path, "model.txt"), asked, model.predict(asked))


def notebook(rows, seed):
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "city": random.choice(["Oslo", "Paris", "Rome"], rows),
            "age": random.integers(18, 80, rows),
            "size": random.choice(["S", "M", "L"], rows),
            "weight": random.normal(10, 3, rows),
        }
    )


def test_folder_of_model_scaler_and_encoders(tmp_path):
    train, asked = notebook(ROWS, 0), notebook(ROWS, 1)
    encoders = {name: LabelEncoder().fit(train[name]) for name in ("city", "size")}

    def encoded(table):
        return table.assign(**{name: encoder.transform(table[name]) for name, encoder in encoders.items()})

    labels = LabelEncoder().fit(["late", "on time"])
    scaler = StandardScaler().fit(encoded(train)[["age", "weight"]])

    def scaled(table):
        made = encoded(table).astype(float)
        made[["age", "weight"]] = scaler.transform(made[["age", "weight"]])
        return made

    known = labels.transform(np.where(train["age"] + train["weight"] > 50, "late", "on time"))
    model = RandomForestClassifier(25, max_depth=6, random_state=0).fit(scaled(train), known)
    joblib.dump(model, tmp_path / "model.pkl")
    joblib.dump(scaler, tmp_path / "scaler.pkl")
    joblib.dump(encoders, tmp_path / "label_encoders.pkl")
    joblib.dump(labels, tmp_path / "target_encoder.pkl")
    converted = convert(tmp_path, "model.pkl")
    expected = load(tmp_path, "model.pkl").predict(columns_of(asked))
    assert converted.facts["labels"] == ["late", "on time"]
    codes = [converted.facts["labels"].index(label) for label in expected.predictions]
    assert_same_labels(converted, asked, codes, expected.probabilities)


def test_folder_with_an_encoder_of_several_fields_and_a_scaler_of_the_answer(tmp_path):
    train, asked = notebook(ROWS, 0), notebook(ROWS, 1)
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1).fit(train[["size", "city"]])
    answer = StandardScaler().fit(train[["weight"]])

    def encoded(table):
        made = table.copy()
        made[["size", "city"]] = encoder.transform(table[["size", "city"]])
        return made.astype(float)

    model = Ridge().fit(encoded(train), answer.transform(train[["weight"]])[:, 0] + train["age"])
    joblib.dump(model, tmp_path / "model.pkl")
    joblib.dump(encoder, tmp_path / "encoder.pkl")
    joblib.dump(answer, tmp_path / "target_scaler.pkl")
    asked.loc[::5, "city"] = "Atlantis"
    expected = load(tmp_path, "model.pkl").predict(columns_of(asked)).predictions
    assert_same_numbers(convert(tmp_path, "model.pkl"), asked, expected)


def test_a_function_of_the_author_is_refused_by_the_name_of_its_step(tmp_path):
    train = numbers()[:, [0]]
    model = make_pipeline(FunctionTransformer(lambda table: table / 2), LogisticRegression())
    import cloudpickle

    (tmp_path / "model.pkl").write_bytes(cloudpickle.dumps(model.fit(train, train[:, 0] > 0)))
    error = refusal(tmp_path, "model.pkl")
    assert error["kind"] == "unsupported"
    assert '"functiontransformer" is a FunctionTransformer of' in error["message"]
    assert "transform of Slipway" in error["message"]


def test_a_step_of_the_author_is_refused_by_name(tmp_path):
    module = tmp_path / "own_steps.py"
    module.write_text(
        "from sklearn.base import BaseEstimator, TransformerMixin\n"
        "class Halved(TransformerMixin, BaseEstimator):\n"
        "    def fit(self, X, y=None):\n        self.n_features_in_ = X.shape[1]\n        return self\n"
        "    def transform(self, X):\n        return X / 2\n"
    )
    import sys

    sys.path.insert(0, str(tmp_path))
    from own_steps import Halved

    assert issubclass(Halved, (BaseEstimator, TransformerMixin))
    train = numbers()[:, [0]]
    pickle.dump(make_pipeline(Halved(), LogisticRegression()).fit(train, train[:, 0] > 0), (tmp_path / "m.pkl").open("wb"))
    error = refusal(tmp_path, "m.pkl")
    assert error["kind"] == "unsupported"
    assert 'Step "halved" is a own_steps.Halved' in error["message"]


def test_a_file_that_is_no_model_is_unreadable(tmp_path):
    (tmp_path / "model.json").write_text(json.dumps({"learner": {}, "version": [3, 2, 0]}))
    from conversion import WORKER
    import os
    import subprocess
    import sys

    job = {"directory": str(tmp_path), "entry": "model.json", "output": str(tmp_path / "o"), "precision": "float64"}
    job |= {"fields": [], "task": "regression", "has_probabilities": False}
    done = subprocess.run(
        [sys.executable, "-m", "slipway_convert"],
        input=json.dumps(job),
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(WORKER)},
        check=False,
    )
    assert json.loads(done.stdout.splitlines()[-1])["error"]["kind"] == "unreadable"
    assert done.returncode == 1
