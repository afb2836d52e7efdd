"""XGBoost's and LightGBM's own files."""

import lightgbm
import numpy as np
import pandas as pd
import pytest
import xgboost
from conftest import ROWS, assert_labels, assert_numbers, columns_of, labels_for
from scipy.special import expit

from slipway_worker.models import ModelUnreadable, load


def target_of(objective: str, matrix: np.ndarray) -> np.ndarray:
    if objective.startswith("multi"):
        return (np.abs(matrix[:, 0]) * 2).astype(int).clip(0, 2)
    if objective.startswith(("binary", "cross")):
        return (matrix[:, 0] > 0).astype(int)
    return np.abs(matrix[:, 0])


@pytest.mark.parametrize("ending", ["json", "ubj", "model"])
@pytest.mark.parametrize("objective", ["multi:softprob", "binary:logistic"])
def test_a_bare_booster_of_xgboost_that_classifies(tmp_path, matrix, ending, objective):
    data = xgboost.DMatrix(matrix, target_of(objective, matrix))
    params = {"objective": objective, **({"num_class": 3} if objective.startswith("multi") else {})}
    booster = xgboost.train(params, data, 6)
    booster.save_model(tmp_path / f"model.{ending}")
    loaded = load(tmp_path, f"model.{ending}")
    raw = booster.predict(data)
    table = raw if raw.ndim == 2 else np.column_stack([1 - raw, raw])
    assert_labels(loaded.predict(columns_of(matrix)), table.argmax(axis=1), table)
    assert (loaded.facts["kind"], loaded.facts["executes_code"]) == ("xgboost", False)
    assert loaded.facts["labels"] == list(range(table.shape[1]))


@pytest.mark.parametrize(
    "objective", ["reg:squarederror", "reg:absoluteerror", "count:poisson", "binary:logitraw", "survival:aft"]
)
def test_a_bare_booster_of_xgboost_that_gives_numbers(tmp_path, matrix, objective):
    data = xgboost.DMatrix(matrix, target_of(objective, matrix))
    if objective == "survival:aft":
        data.set_float_info("label_lower_bound", np.ones(ROWS))
        data.set_float_info("label_upper_bound", np.full(ROWS, 3.0))
    booster = xgboost.train({"objective": objective}, data, 6)
    booster.save_model(tmp_path / "model.json")
    loaded = load(tmp_path, "model.json")
    assert_numbers(loaded.predict(columns_of(matrix)), booster.predict(data))
    assert (loaded.facts["task"], loaded.facts["labels"]) == ("regression", None)


@pytest.mark.parametrize(("objective", "classes"), [("multi:softmax", 3), ("binary:hinge", 2)])
def test_objectives_that_give_labels(tmp_path, matrix, objective, classes):
    data = xgboost.DMatrix(matrix, target_of(objective, matrix))
    booster = xgboost.train({"objective": objective} | ({"num_class": 3} if classes == 3 else {}), data, 6)
    booster.save_model(tmp_path / "model.json")
    loaded = load(tmp_path, "model.json")
    assert_labels(loaded.predict(columns_of(matrix)), booster.predict(data).astype(int))
    assert (loaded.facts["labels"], loaded.facts["has_probabilities"]) == (list(range(classes)), False)


@pytest.mark.parametrize("kind", ["gblinear", "dart"])
def test_other_boosters(tmp_path, matrix, kind):
    data = xgboost.DMatrix(matrix, matrix[:, 0])
    booster = xgboost.train({"booster": kind}, data, 6)
    booster.save_model(tmp_path / "model.json")
    assert_numbers(load(tmp_path, "model.json").predict(columns_of(matrix)), booster.predict(data))


def test_several_targets(tmp_path, matrix):
    data = xgboost.DMatrix(matrix, matrix[:, :2])
    booster = xgboost.train({"tree_method": "hist"}, data, 6)
    booster.save_model(tmp_path / "model.json")
    loaded = load(tmp_path, "model.json")
    assert loaded.facts["task"] == "generic"
    np.testing.assert_allclose(loaded.predict(columns_of(matrix)).predictions, booster.predict(data), atol=1e-6)


def test_what_the_scikit_learn_class_saved_answers_as_that_class(tmp_path, matrix):
    """After early stopping the class uses the best trees, and a bare booster of the same file all of them."""
    labels = (matrix[:, 0] + np.random.default_rng(0).normal(size=ROWS) > 0).astype(int)
    model = xgboost.XGBClassifier(n_estimators=60, early_stopping_rounds=3)
    model.fit(matrix[:250], labels[:250], eval_set=[(matrix[250:], labels[250:])], verbose=False)
    assert model.best_iteration < model.get_booster().num_boosted_rounds() - 1
    model.save_model(tmp_path / "model.json")
    loaded = load(tmp_path, "model.json")
    assert_labels(loaded.predict(columns_of(matrix)), model.predict(matrix), model.predict_proba(matrix))
    assert loaded.facts["executes_code"] is False


def test_names_and_types_of_features(tmp_path, table):
    frame = table[["age", "income", "member"]]
    booster = xgboost.train({}, xgboost.DMatrix(frame, table["age"]), 4)
    booster.save_model(tmp_path / "model.ubj")
    loaded = load(tmp_path, "model.ubj")
    assert [(field["name"], field["type"], field["nullable"]) for field in loaded.facts["inputs"]] == [
        ("age", "int64", True),
        ("income", "float64", True),
        ("member", "bool", True),
    ]
    turned = table[["member", "income", "age"]]
    assert_numbers(loaded.predict(columns_of(turned)), booster.predict(xgboost.DMatrix(frame)))


def test_categories_that_xgboost_keeps(tmp_path, table):
    table["zip"] = np.random.default_rng(0).choice([1010, 1020, 4020], ROWS)
    frame = table[["age", "city", "zip"]].astype({"city": "category", "zip": "category"})
    booster = xgboost.train({}, xgboost.DMatrix(frame, table["age"], enable_categorical=True), 6)
    booster.save_model(tmp_path / "model.json")
    loaded = load(tmp_path, "model.json")
    assert [field["type"] for field in loaded.facts["inputs"]] == ["int64", "string", "int64"]
    few = table[table["city"] == "Rome"]
    expected = booster.predict(xgboost.DMatrix(frame[table["city"] == "Rome"], enable_categorical=True))
    assert_numbers(loaded.predict(columns_of(few)), expected)


@pytest.mark.parametrize(
    "objective", ["binary", "multiclass", "multiclassova", "regression", "poisson", "cross_entropy"]
)
@pytest.mark.parametrize("ending", ["txt", "model"])
def test_lightgbm(tmp_path, matrix, objective, ending):
    params = {"objective": objective, "verbose": -1, **({"num_class": 3} if objective.startswith("multi") else {})}
    booster = lightgbm.train(params, lightgbm.Dataset(matrix, target_of(objective, matrix)), 6)
    booster.save_model(tmp_path / f"model.{ending}")
    loaded = load(tmp_path, f"model.{ending}")
    raw = booster.predict(matrix)
    if objective in ("regression", "poisson"):
        assert_numbers(loaded.predict(columns_of(matrix)), raw)
    else:
        table = raw if raw.ndim == 2 else np.column_stack([1 - raw, raw])
        assert_labels(loaded.predict(columns_of(matrix)), table.argmax(axis=1), table)
    assert (loaded.facts["kind"], loaded.facts["executes_code"], loaded.facts["width"]) == ("lightgbm", False, 6)


def test_categories_that_lightgbm_keeps(tmp_path, table):
    frame = table[["age", "city", "plan"]].astype({"city": "category", "plan": "category"})
    booster = lightgbm.train({"verbose": -1, "objective": "binary"}, lightgbm.Dataset(frame, table["member"]), 6)
    booster.save_model(tmp_path / "model.txt")
    loaded = load(tmp_path, "model.txt")
    assert [field["type"] for field in loaded.facts["inputs"]] == ["float64", "string", "string"]
    few = table[table["city"] == "Rome"]
    raw = booster.predict(frame[table["city"] == "Rome"])
    assert_labels(loaded.predict(columns_of(few)), (raw > 0.5).astype(int), np.column_stack([1 - raw, raw]))


def test_boosters_in_a_pickle(tmp_path, matrix):
    import joblib

    data = xgboost.DMatrix(matrix, matrix[:, 0])
    booster = xgboost.train({}, data, 6)
    joblib.dump(booster, tmp_path / "model.pkl")
    loaded = load(tmp_path, "model.pkl")
    assert_numbers(loaded.predict(columns_of(matrix)), booster.predict(data))
    assert loaded.facts["executes_code"] is True
    (tmp_path / "model.pkl").unlink()
    trees = lightgbm.train({"verbose": -1}, lightgbm.Dataset(matrix, matrix[:, 0]), 6)
    joblib.dump(trees, tmp_path / "model.joblib")
    assert_numbers(load(tmp_path, "model.joblib").predict(columns_of(matrix)), trees.predict(matrix))


@pytest.mark.parametrize("name", ["model.json", "model.ubj", "model.txt", "model.model"])
@pytest.mark.parametrize("content", [b"", b"{}", b"tree\nnonsense", b'{"learner": {}}', b"\x80\x04x"])
def test_files_that_are_none_of_theirs(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelUnreadable, match=name):
        load(tmp_path, name)


def test_the_scale_of_probabilities_is_that_of_the_objective(tmp_path, matrix):
    """binary:logitraw gives margins, which are no probabilities."""
    data = xgboost.DMatrix(matrix, (matrix[:, 0] > 0).astype(int))
    raw = xgboost.train({"objective": "binary:logitraw"}, data, 6)
    raw.save_model(tmp_path / "model.json")
    numbers = np.array(load(tmp_path, "model.json").predict(columns_of(matrix)).predictions)
    assert numbers.min() < 0
    assert expit(numbers).max() < 1


def test_missing_numbers(tmp_path, matrix):
    gaps = matrix.copy()
    gaps[::3, 0] = np.nan
    data = xgboost.DMatrix(gaps, matrix[:, 1])
    booster = xgboost.train({}, data, 6)
    booster.save_model(tmp_path / "model.json")
    assert_numbers(
        load(tmp_path, "model.json").predict(columns_of(pd.DataFrame(gaps, columns=[f"f{i}" for i in range(6)]))),
        booster.predict(data),
    )


def test_labels_are_those_of_the_file(tmp_path, table):
    """XGBoost knows classes by number alone: what they are called is for a target_encoder beside the file."""
    labels = pd.factorize(labels_for(table), sort=True)[0]
    model = xgboost.XGBClassifier(n_estimators=4).fit(table[["age", "income"]], labels)
    model.save_model(tmp_path / "model.json")
    assert load(tmp_path, "model.json").facts["labels"] == [0, 1, 2]
