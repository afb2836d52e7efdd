"""Pipelines of scikit-learn over columns of numbers and texts, as graphs that answer alike."""

import joblib
import lightgbm
import numpy as np
import pandas as pd
import pytest
import xgboost
from conftest import ROWS
from conversion import assert_same_labels, assert_same_numbers, convert, refusal
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

NUMBERS = ["age", "income"]
TEXTS = ["city", "plan"]


def people(rows=ROWS, seed=0):
    """Gaps in both kinds of columns, and texts that training never saw where the seed is not that of training."""
    random = np.random.default_rng(seed)
    cities = ["Oslo", "Paris", "Rome", "Bonn"] + ([] if seed == 0 else ["Atlantis", ""])
    table = pd.DataFrame(
        {
            "age": random.integers(18, 80, rows),
            "income": random.lognormal(10, 1, rows).round(2),
            "city": random.choice(cities, rows).astype(object),
            "plan": random.choice(["basic", "pro"], rows).astype(object),
            "visits": random.integers(0, 5, rows),
        }
    )
    table.loc[random.random(rows) < 0.1, "income"] = np.nan
    table.loc[random.random(rows) < 0.1, "plan"] = np.nan
    return table


def labels_of(table):
    score = table["age"] / 10 + (table["city"] == "Oslo") * 3 + table["visits"]
    return np.where(score > score.median(), "yes", "no")


def numbers_of(table):
    return table["age"] * 3.5 + (table["city"] == "Rome") * 20 + table["income"].fillna(0) / 1e4


def prepared():
    return ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), NUMBERS),
            (
                "texts",
                make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore")),
                TEXTS,
            ),
            ("visits", OneHotEncoder(handle_unknown="ignore"), ["visits"]),
        ]
    )


def with_gaps():
    """Trees that take gaps themselves."""
    ordinal = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    return ColumnTransformer([("numbers", "passthrough", [*NUMBERS, "visits"]), ("texts", ordinal, TEXTS)])


CLASSIFIERS = {
    "logistic": LogisticRegression(max_iter=500),
    "forest": RandomForestClassifier(30, random_state=0),
    "extra trees": ExtraTreesClassifier(10, random_state=0),
    "boosting": GradientBoostingClassifier(n_estimators=20, random_state=0),
    "histogram boosting": HistGradientBoostingClassifier(max_iter=30, random_state=0),
    "network": MLPClassifier((8,), max_iter=50, random_state=0),
    "stacking": StackingClassifier([("tree", DecisionTreeClassifier(max_depth=4)), ("line", LogisticRegression())]),
    "lightgbm": lightgbm.LGBMClassifier(n_estimators=30, verbose=-1),
}
REGRESSORS = {
    "ridge": Ridge(),
    "forest": RandomForestRegressor(20, random_state=0),
    "boosting": GradientBoostingRegressor(n_estimators=30, random_state=0),
    "histogram boosting": HistGradientBoostingRegressor(max_iter=30, random_state=0),
    "xgboost": xgboost.XGBRegressor(n_estimators=30),
    "lightgbm": lightgbm.LGBMRegressor(n_estimators=30, verbose=-1),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifier_behind_a_column_transformer(name, tmp_path):
    train, asked = people(), people(seed=1)
    model = make_pipeline(prepared(), CLASSIFIERS[name]).fit(train, labels_of(train))
    joblib.dump(model, tmp_path / "model.joblib")
    converted = convert(tmp_path, "model.joblib")
    assert_same_labels(converted, asked, model.predict(asked), model.predict_proba(asked))
    assert converted.stages == ["load", "convert", "written"]
    assert {field.name for field in converted.graph.graph.input} == set(train.columns)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", REGRESSORS)
def test_regressor_behind_a_column_transformer(name, tmp_path):
    train, asked = people(), people(seed=1)
    model = make_pipeline(prepared(), REGRESSORS[name]).fit(train, numbers_of(train))
    joblib.dump(model, tmp_path / "model.joblib")
    assert_same_numbers(convert(tmp_path, "model.joblib"), asked, model.predict(asked))


@pytest.mark.parametrize("name", ["forest", "histogram boosting", "lightgbm", "xgboost"])
def test_trees_that_take_gaps(name, tmp_path):
    train, asked = people(), people(seed=1)
    estimator = xgboost.XGBClassifier(n_estimators=30) if name == "xgboost" else CLASSIFIERS[name]
    labels = (labels_of(train) == "yes").astype(int)
    model = make_pipeline(with_gaps(), estimator).fit(train, labels)
    joblib.dump(model, tmp_path / "model.joblib")
    converted = convert(tmp_path, "model.joblib")
    assert_same_labels(converted, asked, model.predict(asked), model.predict_proba(asked))


@pytest.mark.parametrize(
    "encoder",
    [
        OneHotEncoder(handle_unknown="ignore", drop="if_binary"),
        OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=100, drop="first"),
        OneHotEncoder(handle_unknown="ignore", max_categories=3, dtype=np.float32),
        OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=-2),
        OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, min_frequency=100),
    ],
    ids=["dropped", "rare and dropped", "at most three", "unknown is NaN", "rare"],
)
@pytest.mark.filterwarnings("ignore")
def test_encoders_of_texts_with_gaps(encoder, tmp_path):
    train, asked = people(), people(seed=1)
    steps = ColumnTransformer([("texts", encoder, TEXTS), ("numbers", SimpleImputer(), NUMBERS)])
    model = make_pipeline(steps, HistGradientBoostingClassifier(max_iter=20)).fit(train, labels_of(train))
    joblib.dump(model, tmp_path / "model.joblib")
    assert_same_labels(convert(tmp_path, "model.joblib"), asked, model.predict(asked), model.predict_proba(asked))


def test_numbers_alone_are_one_matrix_in_the_order_of_the_fields(tmp_path):
    train, asked = people(), people(seed=1)
    steps = ColumnTransformer([("scaled", MinMaxScaler(), ["visits"]), ("rest", "passthrough", ["age"])])
    model = make_pipeline(steps, LogisticRegression()).fit(train[["age", "visits"]], labels_of(train))
    joblib.dump(model, tmp_path / "model.joblib")
    converted = convert(tmp_path, "model.joblib")
    assert [field.name for field in converted.graph.graph.input] == ["features"]
    asked = asked[["age", "visits"]]
    assert_same_labels(converted, asked, model.predict(asked), model.predict_proba(asked))


def test_functions_of_numpy_become_nodes(tmp_path):
    train, asked = people(), people(seed=1)
    steps = ColumnTransformer([("log", FunctionTransformer(np.log1p), ["income"]), ("age", "passthrough", ["age"])])
    model = make_pipeline(steps, SimpleImputer(), LogisticRegression()).fit(train, labels_of(train))
    joblib.dump(model, tmp_path / "model.joblib")
    assert_same_labels(
        convert(tmp_path, "model.joblib"), asked[["age", "income"]], model.predict(asked), model.predict_proba(asked)
    )


def test_a_classifier_without_probabilities_answers_its_label_alone(tmp_path):
    train, asked = people(), people(seed=1)
    model = make_pipeline(prepared(), LinearSVC()).fit(train, labels_of(train))
    joblib.dump(model, tmp_path / "model.joblib")
    # skl2onnx has no float64 for it, and says so; the server tries float32 then.
    assert refusal(tmp_path, "model.joblib")["kind"] == "failed"
    assert_same_labels(convert(tmp_path, "model.joblib", "float32"), asked, model.predict(asked))


def test_probes_name_categories_means_and_thresholds(tmp_path):
    train = people()
    model = make_pipeline(prepared(), LogisticRegression(max_iter=500)).fit(train, labels_of(train))
    joblib.dump(model, tmp_path / "model.joblib")
    probes = convert(tmp_path, "model.joblib").done["probes"]
    assert set(probes["city"]) == {"Oslo", "Paris", "Rome", "Bonn"}
    scaler = model[0].named_transformers_["numbers"][-1]
    assert pytest.approx(scaler.mean_[0]) in probes["age"]


def test_float32_loses_what_float64_keeps(tmp_path):
    """A threshold between two float32: the graph that computes in float32 answers another label, and says so nowhere."""
    table = np.array([[16777216.0], [16777217.0]] * 20)
    model = HistGradientBoostingClassifier(min_samples_leaf=1).fit(table, [0, 1] * 20)
    joblib.dump(model, tmp_path / "model.joblib")
    exact = convert(tmp_path, "model.joblib")
    assert_same_labels(exact, table, model.predict(table), model.predict_proba(table))
    assert 16777216.5 in exact.done["probes"]["f0"]
    lossy = convert(tmp_path, "model.joblib", "float32")
    assert (lossy.ask(table)[0] != model.predict(table)).any()
