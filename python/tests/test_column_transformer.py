"""scikit-learn's own transformers against the transform that is read from them: 1e-6 relative, categories exact."""

import numpy as np
import pandas as pd
import pytest
from slipway import Transform, TransformError, from_column_transformer
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
)

CATEGORIES = np.array(["a", "b", "", "Ünï 😀", "two words", "Z"], dtype=object)


def frame_of(seed, count=400, unknown=False):
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "x": random.normal(50, 12, count),
            "big": random.normal(1e9, 3, count),
            "pos": random.exponential(1e4, count),
            "const": np.full(count, 3.7),
            "hole": np.where(random.random(count) < 0.2, np.nan, random.normal(0, 5, count)),
            "int": random.integers(-2, 4, count),
            "half": random.integers(0, 4, count) / 2,
            "flag": random.random(count) < 0.4,
            "cat": random.choice(CATEGORIES[:4], count),
            "gap": np.where(random.random(count) < 0.2, None, random.choice(CATEGORIES[:3], count)),
            "two": random.choice(np.array(["no", "yes"], dtype=object), count),
        }
    )
    for name in ("cat", "gap", "two"):
        frame[name] = frame[name].astype(object).where(frame[name].notna(), np.nan)
    if unknown:
        frame.loc[::7, ["cat", "gap", "two"]] = "never seen"
        frame.loc[::5, "int"] = 77
        frame.loc[::5, "half"] = 0.25
        frame.loc[3::11, "x"] += 1e3
    return frame


def assert_equal(ct, frame, transform):
    expected = ct.transform(frame)
    expected = expected.toarray() if hasattr(expected, "toarray") else np.asarray(expected)
    expected = expected.astype(np.float64)
    made = transform.transform(frame)
    assert made.shape == expected.shape
    np.testing.assert_allclose(made, expected, rtol=1e-6, atol=1e-12)
    whole = np.equal(expected, np.round(expected)) & (np.abs(expected) < 2**24)
    assert (made[whole] == expected[whole]).all()


IGNORE = {"handle_unknown": "ignore"}
CASES = {
    "standard": ([StandardScaler()], ["x", "big", "const", "hole", "int", "pos"]),
    "standard without mean": ([StandardScaler(with_mean=False)], ["x", "big"]),
    "standard without sd": ([StandardScaler(with_std=False)], ["x", "hole"]),
    "standard without both": ([StandardScaler(with_mean=False, with_std=False)], ["x"]),
    "min-max": ([MinMaxScaler()], ["x", "big", "const", "hole"]),
    "min-max to a range, clipped": ([MinMaxScaler(feature_range=(-2, 3), clip=True)], ["x", "const", "hole"]),
    "mean": ([SimpleImputer()], ["hole", "x"]),
    "median": ([SimpleImputer(strategy="median")], ["hole", "x"]),
    "most frequent number": ([SimpleImputer(strategy="most_frequent")], ["hole", "int"]),
    "most frequent text": ([SimpleImputer(strategy="most_frequent"), OneHotEncoder(**IGNORE)], ["gap", "cat"]),
    "constant text": ([SimpleImputer(strategy="constant", fill_value="?"), OneHotEncoder(**IGNORE)], ["gap"]),
    "constant": ([SimpleImputer(strategy="constant", fill_value=-1)], ["hole"]),
    "indicator": ([SimpleImputer(add_indicator=True), StandardScaler()], ["x", "hole", "pos"]),
    "one-hot": ([OneHotEncoder(**IGNORE)], ["cat", "gap", "two"]),
    "one-hot, dense": ([OneHotEncoder(sparse_output=False, **IGNORE)], ["cat"]),
    "one-hot of numbers": ([OneHotEncoder(**IGNORE)], ["int", "half", "flag"]),
    "one-hot without the first": ([OneHotEncoder(drop="first", **IGNORE)], ["cat", "gap", "int"]),
    "one-hot without the first of two": ([OneHotEncoder(drop="if_binary", **IGNORE)], ["cat", "two"]),
    "one-hot without given ones": ([OneHotEncoder(drop=["b", np.nan], **IGNORE)], ["cat", "gap"]),
    "one-hot of a given order": ([OneHotEncoder(categories=[["Ünï 😀", "b", "", "a"]], **IGNORE)], ["cat"]),
    "one-hot with a minimum": ([OneHotEncoder(min_frequency=1, handle_unknown="infrequent_if_exist")], ["cat"]),
    "ordinal": ([OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)], ["cat", "gap", "half"]),
    "ordinal to NaN": ([OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)], ["cat", "gap"]),
    "ordinal of missing": (
        [OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2)],
        ["gap", "two"],
    ),
    "bins": ([KBinsDiscretizer(5, encode="ordinal")], ["x", "pos"]),
    "bins, one-hot": ([KBinsDiscretizer(4, encode="onehot", strategy="uniform")], ["x", "pos"]),
    "bins, dense": ([KBinsDiscretizer(3, encode="onehot-dense", strategy="kmeans")], ["x"]),
    "bins of an imputed one": ([SimpleImputer(), KBinsDiscretizer(3, encode="ordinal")], ["hole"]),
    "log1p": ([FunctionTransformer(np.log1p)], ["pos"]),
    "log1p of a missing one, scaled": ([FunctionTransformer(np.log1p), SimpleImputer(), MinMaxScaler()], ["hole"]),
    "identity": ([FunctionTransformer()], ["x", "hole"]),
    "passthrough": (["passthrough"], ["x", "hole"]),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("sampled", [False, True])
def test_each(name, sampled):
    steps, columns = CASES[name]
    training, frame = frame_of(1), frame_of(2, unknown=True)
    step = steps[0] if len(steps) == 1 else make_pipeline(*steps)
    ct = ColumnTransformer([("t", step, columns)]).fit(training)
    transform = from_column_transformer(ct, training if sampled else None)
    assert_equal(ct, training, transform)
    assert_equal(ct, frame, transform)


@pytest.mark.parametrize("encoder", [OneHotEncoder(), OneHotEncoder(drop="first"), OrdinalEncoder()])
def test_an_unknown_category_is_refused_where_scikit_learn_does(encoder):
    training = frame_of(1)
    imputed = make_pipeline(SimpleImputer(strategy="most_frequent"), encoder)
    ct = ColumnTransformer([("a", encoder, ["cat", "two"]), ("b", imputed, ["gap"])]).fit(training)
    transform = from_column_transformer(ct)
    assert_equal(ct, training, transform)
    for column in ("cat", "gap"):
        with pytest.raises(TransformError, match=f"row 2: {column}: must be one of"):
            transform.transform(training.assign(**{column: training[column].where(training.index != 1, "?")}))


@pytest.mark.parametrize("columns", ["int", ["x", "int"], [0, 5], slice(0, 2), slice("x", "pos"), [-1, -2]])
@pytest.mark.parametrize("remainder", ["drop", "passthrough", StandardScaler()])
def test_selections_and_remainder(columns, remainder):
    training = frame_of(3)[["x", "big", "pos", "hole", "half", "int"]]
    step = StandardScaler()
    if isinstance(columns, str):
        columns = [columns]
    ct = ColumnTransformer([("s", step, columns), ("no", "drop", ["hole"])], remainder=remainder).fit(training)
    assert_equal(ct, frame_of(4), from_column_transformer(ct, training))


def test_masks_selectors_and_arrays():
    training = frame_of(3)[["x", "big", "pos"]]
    mask = ColumnTransformer([("s", StandardScaler(), [False, True, True])]).fit(training)
    assert_equal(mask, training, from_column_transformer(mask))
    selected = ColumnTransformer([("s", MinMaxScaler(), make_column_selector("^[xp]"))]).fit(training)
    assert_equal(selected, training, from_column_transformer(selected))
    arrays = ColumnTransformer([("s", StandardScaler(), [2, 0])]).fit(training.to_numpy())
    named = pd.DataFrame(training.to_numpy(), columns=["x0", "x1", "x2"])
    made = from_column_transformer(arrays).transform(named)
    np.testing.assert_allclose(made, arrays.transform(training.to_numpy()), 1e-6)


def test_names_are_those_of_scikit_learn():
    training = frame_of(1)
    steps = [("num", StandardScaler(), ["x", "pos"]), ("cat", OneHotEncoder(**IGNORE), ["cat"])]
    ct = ColumnTransformer(steps).fit(training)
    assert from_column_transformer(ct).columns == list(ct.get_feature_names_out())
    ct = ColumnTransformer(steps, verbose_feature_names_out=False).fit(training)
    assert from_column_transformer(ct).columns == list(ct.get_feature_names_out())


def _numeric(random):
    steps = [
        lambda: SimpleImputer(
            strategy=str(random.choice(["mean", "median", "most_frequent"])), add_indicator=bool(random.random() < 0.4)
        ),
        lambda: StandardScaler(with_mean=bool(random.random() < 0.7), with_std=bool(random.random() < 0.7)),
        lambda: MinMaxScaler(feature_range=(-1, 2), clip=bool(random.random() < 0.5)),
        lambda: FunctionTransformer(),
    ]
    chosen = [steps[i]() for i in random.choice(len(steps), random.integers(1, 4), replace=False)]
    if random.random() < 0.3:
        chosen += [SimpleImputer(), KBinsDiscretizer(4, encode=str(random.choice(["ordinal", "onehot"])))]
    return make_pipeline(*chosen)


def _textual(random):
    encoder = [
        OneHotEncoder(drop=random.choice(np.array([None, "first", "if_binary"], dtype=object)), **IGNORE),
        OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2),
        OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan),
    ][random.integers(3)]
    if random.random() < 0.5:
        return make_pipeline(SimpleImputer(strategy="most_frequent"), encoder)
    return encoder


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(30))
def test_random_column_transformers(seed):
    random = np.random.default_rng(seed)
    training, frame = frame_of(100 + seed), frame_of(200 + seed, unknown=True)
    parts = []
    for i in range(random.integers(1, 5)):
        numeric = random.random() < 0.6
        pool = ["x", "big", "pos", "const", "hole", "int", "half"] if numeric else ["cat", "gap", "two", "half"]
        columns = random.choice(pool, random.integers(1, len(pool)), replace=False).tolist()
        if not numeric and "half" in columns and len(columns) > 1:
            columns.remove("half")
        parts.append((f"t{i}", _numeric(random) if numeric else _textual(random), columns))
    ct = ColumnTransformer(parts, sparse_threshold=random.random()).fit(training)
    transform = from_column_transformer(ct, training if random.random() < 0.5 else None)
    assert_equal(ct, training, transform)
    assert_equal(ct, frame, transform)
    assert Transform(transform.document).fingerprint == transform.fingerprint


class Mine(StandardScaler):
    pass


@pytest.mark.filterwarnings("ignore")
def test_what_cannot_be_said_is_refused_by_name_and_all_at_once():
    training = frame_of(1)
    ct = ColumnTransformer(
        [
            ("robust", RobustScaler(), ["x", "pos"]),
            ("mine", Mine(), ["big"]),
            ("log", FunctionTransformer(np.log), ["pos"]),
            ("few", OneHotEncoder(min_frequency=150), ["cat"]),
            ("num", OneHotEncoder(), ["int"]),
            ("sentinel", SimpleImputer(missing_values=-2), ["int"]),
            ("after", make_pipeline(KBinsDiscretizer(3), StandardScaler(with_mean=False)), ["x"]),
            ("deep", Pipeline([("in", Pipeline([("robust", RobustScaler())]))]), ["const"]),
        ],
        transformer_weights={"robust": 2.0},
    ).fit(training)
    with pytest.raises(TransformError) as caught:
        from_column_transformer(ct)
    text = str(caught.value)
    for part in [
        "ColumnTransformer: transformer_weights",
        "robust: RobustScaler: of x, pos: only FunctionTransformer, KBinsDiscretizer,",
        "mine: Mine: of big",
        "log: FunctionTransformer: pos: func=log: only np.log1p",
        "few: OneHotEncoder: cat: min_frequency or max_categories",
        "int: handle_unknown='error' of an encoder",
        "sentinel: SimpleImputer: int: missing_values=-2",
        "after.standardscaler: StandardScaler: x: follows an encoding",
        "deep.in.robust: RobustScaler: of const",
    ]:
        assert part in text
    assert len(caught.value.problems) == 9


def test_what_is_no_fitted_column_transformer_is_refused():
    with pytest.raises(TransformError, match="not fitted: call its fit first"):
        from_column_transformer(ColumnTransformer([]))
    with pytest.raises(TransformError, match="a StandardScaler, not a ColumnTransformer"):
        from_column_transformer(StandardScaler())


def test_texts_that_pass_through_are_refused():
    ct = ColumnTransformer([("t", "passthrough", ["cat", "x"])]).fit(frame_of(1))
    with pytest.raises(TransformError, match="cat: holds no numbers"):
        from_column_transformer(ct, frame_of(1))


def test_a_sample_that_comes_out_otherwise_is_refused():
    training = frame_of(1)
    ct = ColumnTransformer([("s", StandardScaler(), ["x", "pos"])]).fit(training)
    ct.transform = lambda frame: np.zeros((len(frame), 2))
    with pytest.raises(TransformError, match="not make the same of sample_df: other values in s__x, s__pos"):
        from_column_transformer(ct, training)


def test_fit_learns_anew():
    training, other = frame_of(1), frame_of(9)
    steps = [
        ("n", make_pipeline(SimpleImputer(strategy="median"), StandardScaler(with_mean=False)), ["hole", "x"]),
        ("m", MinMaxScaler((-1, 1)), ["pos"]),
        ("c", OneHotEncoder(**IGNORE), ["cat"]),
    ]
    transform = from_column_transformer(ColumnTransformer(steps).fit(training)).fit(other)
    assert_equal(ColumnTransformer(steps).fit(other), other, transform)
