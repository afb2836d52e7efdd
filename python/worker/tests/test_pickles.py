"""Estimators in pickle and joblib files."""

import pickle
import warnings

import joblib
import lightgbm
import numpy as np
import pandas as pd
import pytest
import sklearn
import xgboost
from conftest import ROWS, assert_labels, assert_numbers, columns_of, labels_for, mixed_table
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from slipway_worker.models import load


def pipeline(estimator):
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    steps = ColumnTransformer(
        [
            ("numbers", numbers, ["age", "income"]),
            ("texts", OneHotEncoder(handle_unknown="ignore"), ["city"]),
            ("ranks", OrdinalEncoder(), ["plan"]),
        ]
    )
    return make_pipeline(steps, estimator)


def test_pipeline_on_a_frame(tmp_path, table):
    model = pipeline(RandomForestClassifier(10, random_state=0)).fit(table, labels_for(table))
    joblib.dump(model, tmp_path / "model.joblib", compress=3)
    loaded = load(tmp_path, "model.joblib")
    assert_labels(loaded.predict(columns_of(table)), model.predict(table), model.predict_proba(table))
    facts = loaded.facts
    assert facts["inputs"] == [
        {"name": "age", "type": "float64", "required": True, "nullable": True},
        {"name": "income", "type": "float64", "required": True, "nullable": True},
        {"name": "city", "type": "string", "required": True, "nullable": True},
        {"name": "plan", "type": "string", "required": True, "nullable": False, "categories": ["basic", "pro"]},
    ]
    assert (facts["task"], facts["labels"], facts["has_probabilities"]) == (
        "classification",
        ["high", "low", "middle"],
        True,
    )
    assert (facts["kind"], facts["executes_code"], facts["packages"]["scikit-learn"]) == (
        "sklearn",
        True,
        sklearn.__version__,
    )


def test_a_missing_text_and_number_are_what_pandas_calls_missing(tmp_path, table):
    table.loc[::7, "city"] = None
    model = make_pipeline(
        ColumnTransformer(
            [
                ("numbers", SimpleImputer(), ["income"]),
                ("texts", make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder()), ["city"]),
            ]
        ),
        LogisticRegression(),
    ).fit(table.fillna({"city": np.nan}), labels_for(table))
    joblib.dump(model, tmp_path / "model.pkl")
    loaded = load(tmp_path, "model.pkl")
    expected = table.fillna({"city": np.nan})
    assert_labels(loaded.predict(columns_of(table)), model.predict(expected), model.predict_proba(expected))
    assert [field["nullable"] for field in loaded.facts["inputs"]] == [True, True]


@pytest.mark.parametrize(
    "estimator",
    [
        RandomForestClassifier(8, random_state=0),
        DecisionTreeClassifier(max_depth=4),
        GradientBoostingClassifier(n_estimators=8),
        HistGradientBoostingClassifier(max_iter=8),
        LogisticRegression(),
        MLPClassifier((4,), max_iter=30, random_state=0),
        GaussianNB(),
        KNeighborsClassifier(4),
        SVC(probability=True, random_state=0),
        CalibratedClassifierCV(LogisticRegression(), cv=2),
        GridSearchCV(LogisticRegression(), {"C": [0.1, 1]}, cv=2),
        xgboost.XGBClassifier(n_estimators=8),
        lightgbm.LGBMClassifier(n_estimators=8, verbose=-1),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
@pytest.mark.parametrize("classes", [2, 3])
def test_label_and_probabilities_are_the_estimators_own(tmp_path, matrix, estimator, classes):
    boosted = isinstance(estimator, xgboost.XGBClassifier)
    values = np.arange(classes) if boosted else np.arange(classes) + 6
    labels = values[(np.abs(matrix[:, 0]) * 1.3).astype(int) % classes]
    estimator.fit(matrix, labels)
    with (tmp_path / "model.pickle").open("wb") as file:
        pickle.dump(estimator, file)
    loaded = load(tmp_path, "model.pickle")
    assert_labels(loaded.predict(columns_of(matrix)), estimator.predict(matrix), estimator.predict_proba(matrix))
    assert loaded.facts["labels"] == values.tolist()
    assert loaded.facts["width"] == 6


def test_a_threshold_of_its_own_decides_the_label(tmp_path, matrix):
    model = FixedThresholdClassifier(LogisticRegression(), threshold=0.2, pos_label=1).fit(matrix, matrix[:, 0] > 1)
    joblib.dump(model, tmp_path / "model.pkl")
    assert (model.predict(matrix) != model.classes_[model.predict_proba(matrix).argmax(axis=1)]).any()
    assert_labels(
        load(tmp_path, "model.pkl").predict(columns_of(matrix)), model.predict(matrix), model.predict_proba(matrix)
    )


def test_two_equal_probabilities_are_decided_by_the_estimator(tmp_path):
    """A margin of 1e-20 is above 0, and no float tells its probability from a half."""
    rows = np.array([[1.0], [-1.0], [0.0]])
    model = LogisticRegression().fit(rows, ["no", "yes", "no"])
    model.coef_[:] = 1e-20
    model.intercept_[:] = 0
    assert model.predict(rows).tolist() == ["yes", "no", "no"]
    joblib.dump(model, tmp_path / "model.pkl")
    assert_labels(load(tmp_path, "model.pkl").predict(columns_of(rows)), model.predict(rows), model.predict_proba(rows))


@pytest.mark.parametrize(
    "estimator",
    [
        LinearRegression(),
        RandomForestRegressor(8, random_state=0),
        HistGradientBoostingRegressor(max_iter=8),
        xgboost.XGBRegressor(n_estimators=8),
        lightgbm.LGBMRegressor(n_estimators=8, verbose=-1),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_regressors(tmp_path, matrix, estimator):
    estimator.fit(matrix, matrix[:, 0] * 3 + matrix[:, 1])
    joblib.dump(estimator, tmp_path / "model.joblib")
    loaded = load(tmp_path, "model.joblib")
    assert_numbers(loaded.predict(columns_of(matrix)), estimator.predict(matrix))
    assert (loaded.facts["task"], loaded.facts["labels"]) == ("regression", None)


def test_a_target_of_one_column_is_a_number_and_of_several_a_list(tmp_path, matrix):
    one = LinearRegression().fit(matrix, matrix[:, :1])
    joblib.dump(one, tmp_path / "one.pkl")
    assert_numbers(load(tmp_path, "one.pkl").predict(columns_of(matrix)), one.predict(matrix))
    (tmp_path / "one.pkl").unlink()
    two = LinearRegression().fit(matrix, matrix[:, :2])
    joblib.dump(two, tmp_path / "two.pkl")
    loaded = load(tmp_path, "two.pkl")
    assert loaded.facts["task"] == "generic"
    np.testing.assert_allclose(loaded.predict(columns_of(matrix)).predictions, two.predict(matrix))


def test_several_labels_a_row(tmp_path, matrix):
    model = RandomForestClassifier(5, random_state=0).fit(matrix, (matrix[:, :2] > 0).astype(int))
    joblib.dump(model, tmp_path / "model.pkl")
    loaded = load(tmp_path, "model.pkl")
    assert (loaded.facts["task"], loaded.facts["labels"], loaded.facts["has_probabilities"]) == ("generic", None, False)
    assert loaded.predict(columns_of(matrix)).predictions == model.predict(matrix).tolist()


def test_clusters(tmp_path, matrix):
    model = KMeans(3, n_init=1, random_state=0).fit(matrix)
    joblib.dump(model, tmp_path / "model.pkl")
    loaded = load(tmp_path, "model.pkl")
    assert loaded.facts["task"] == "generic"
    assert loaded.predict(columns_of(matrix)).predictions == model.predict(matrix).tolist()


@pytest.mark.parametrize("labels", [np.array([True, False]), np.array([0.5, 1.5]), np.array(["ja", "nein"])])
def test_labels_keep_their_type(tmp_path, matrix, labels):
    picked = labels[(matrix[:, 0] > 0).astype(int)]
    model = DecisionTreeClassifier(max_depth=3).fit(matrix, picked.astype(str) if picked.dtype == float else picked)
    joblib.dump(model, tmp_path / "model.pkl")
    assert_labels(
        load(tmp_path, "model.pkl").predict(columns_of(matrix)), model.predict(matrix), model.predict_proba(matrix)
    )


def test_texts_in_a_list(tmp_path):
    texts = ["a good ship", "a bad storm", "good wind", "bad sea"] * 5
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, ["+", "-", "+", "-"] * 5)
    joblib.dump(model, tmp_path / "model.joblib")
    loaded = load(tmp_path, "model.joblib")
    assert loaded.facts["inputs"] == [{"name": "text", "type": "string", "required": True, "nullable": False}]
    assert_labels(
        loaded.predict(columns_of(pd.DataFrame({"text": texts}))), model.predict(texts), model.predict_proba(texts)
    )


def categories(table: pd.DataFrame) -> pd.DataFrame:
    return table[["age", "income", "city", "plan"]].astype({"city": "category", "plan": "category"})


@pytest.mark.parametrize(
    "estimator",
    [
        HistGradientBoostingClassifier(max_iter=8, categorical_features="from_dtype"),
        lightgbm.LGBMClassifier(n_estimators=8, verbose=-1),
        xgboost.XGBClassifier(n_estimators=8, enable_categorical=True),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_columns_of_the_dtype_category(tmp_path, table, estimator):
    trained = categories(table)
    estimator.fit(trained, pd.factorize(labels_for(table), sort=True)[0])
    joblib.dump(estimator, tmp_path / "model.pkl")
    loaded = load(tmp_path, "model.pkl")
    assert [(field["name"], field["type"]) for field in loaded.facts["inputs"]] == [
        ("age", "float64"),
        ("income", "float64"),
        ("city", "string"),
        ("plan", "string"),
    ]
    # Rows of their own, in which a category does not occur.
    few = table[table["city"] != "Paris"][:50]
    typed = few[["age", "income", "city", "plan"]].astype({name: trained[name].dtype for name in ("city", "plan")})
    output = loaded.predict(columns_of(few))
    assert_labels(output, estimator.predict(typed), estimator.predict_proba(typed))


def test_whole_numbers_as_categories(tmp_path):
    random = np.random.default_rng(0)
    table = pd.DataFrame({"zip": random.integers(10, 14, ROWS), "flag": random.random(ROWS) > 0.5})
    model = make_pipeline(OneHotEncoder(), LogisticRegression()).fit(table, table["zip"] > 12)
    joblib.dump(model, tmp_path / "model.pkl")
    loaded = load(tmp_path, "model.pkl")
    assert [field["type"] for field in loaded.facts["inputs"]] == ["int64", "bool"]
    assert_labels(loaded.predict(columns_of(table)), model.predict(table), model.predict_proba(table))


def test_columns_that_are_dropped_need_not_be_sent(tmp_path, table):
    model = make_pipeline(ColumnTransformer([("age", StandardScaler(), ["age"])]), LogisticRegression())
    model.fit(table, labels_for(table))
    joblib.dump(model, tmp_path / "model.pkl")
    loaded = load(tmp_path, "model.pkl")
    assert [field["name"] for field in loaded.facts["inputs"]] == ["age"]
    assert_labels(loaded.predict(columns_of(table[["age"]])), model.predict(table), model.predict_proba(table))


def test_an_array_with_texts(tmp_path, table):
    rows = table[["age", "city"]].to_numpy(object)
    steps = ColumnTransformer([("age", StandardScaler(), [0]), ("city", OneHotEncoder(), [1])])
    model = make_pipeline(steps, LogisticRegression()).fit(rows, labels_for(table))
    joblib.dump(model, tmp_path / "model.pkl")
    loaded = load(tmp_path, "model.pkl")
    assert [(field["name"], field["type"]) for field in loaded.facts["inputs"]] == [("f0", "float64"), ("f1", "string")]
    named = table[["age", "city"]].set_axis(["f0", "f1"], axis=1)
    assert_labels(loaded.predict(columns_of(named)), model.predict(rows), model.predict_proba(rows))


def test_steps_of_the_users_own_module_beside_the_model(tmp_path, monkeypatch, table):
    (tmp_path / "own_steps.py").write_text(
        "from sklearn.base import BaseEstimator, TransformerMixin\n"
        "class Halve(TransformerMixin, BaseEstimator):\n"
        "    def fit(self, X, y=None):\n        self.n_features_in_ = X.shape[1]\n        return self\n"
        "    def transform(self, X):\n        return X / 2\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    import own_steps

    rows = table[["age"]].to_numpy(float)
    model = make_pipeline(own_steps.Halve(), LinearRegression()).fit(rows, rows[:, 0])
    joblib.dump(model, tmp_path / "model.pkl")
    monkeypatch.undo()
    del own_steps
    import sys

    del sys.modules["own_steps"]
    assert_numbers(load(tmp_path, "model.pkl").predict(columns_of(rows)), rows[:, 0])


def test_a_table_of_other_order_and_one_row(tmp_path):
    table = mixed_table(3)
    model = pipeline(RandomForestClassifier(5, random_state=0)).fit(table, labels_for(table))
    joblib.dump(model, tmp_path / "model.joblib")
    loaded = load(tmp_path, "model.joblib")
    turned = table[list(reversed(table.columns))][:1]
    assert_labels(loaded.predict(columns_of(turned)), model.predict(table[:1]), model.predict_proba(table[:1]))


def test_nothing_is_said_of_arrays_that_stand_for_frames(tmp_path, table):
    numbers = table[["age", "income"]].fillna(0)
    model = LogisticRegression().fit(numbers, labels_for(table))
    joblib.dump(model, tmp_path / "model.pkl")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        output = load(tmp_path, "model.pkl").predict(columns_of(table.fillna({"income": 0})))
    assert [str(warning.message) for warning in caught] == []
    assert_labels(output, model.predict(numbers), model.predict_proba(numbers))
