"""Python and serving: the same document, the same bits."""

import re

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from slipway import Transform

FIELDS = [
    {"name": "n", "type": "number"},
    {"name": "m", "type": "number", "required": False},
    {"name": "i", "type": "integer"},
    {"name": "b", "type": "boolean"},
    {"name": "c", "type": "boolean", "required": False},
    {"name": "s", "type": "string", "required": False},
    {"name": "t", "type": "string"},
    {"name": "u", "type": "string", "default": "red"},
    {"name": "d", "type": "datetime", "required": False},
    {"name": "e", "type": "datetime"},
    {"name": "absent", "type": "number", "default": 2.5},
]
ENCODED = {"unknown": "zeros", "missing": "zeros"}
CHAINS = [
    ("m", [{"op": "impute", "with": "mean"}]),
    ("m", [{"op": "impute", "with": "median"}, {"op": "standardise"}]),
    ("m", [{"op": "clip", "min": -1, "max": 1}]),
    ("m", [{"op": "log1p"}, {"op": "impute", "with": 0}, {"op": "min_max", "low": -1}]),
    ("n", [{"op": "standardise", "centre": False}]),
    ("n", [{"op": "bin", "bins": 7}, {"op": "as_text"}, {"op": "one_hot", "unknown": "zeros"}]),
    ("m", [{"op": "bin", "bins": 4, "by": "width"}]),
    ("n", [{"op": "cyclical", "period": 7.3}]),
    ("i", [{"op": "as_text"}, {"op": "frequency"}]),
    ("b", []),
    ("c", []),
    ("absent", []),
    ("s", [{"op": "one_hot", **ENCODED}]),
    ("s", [{"op": "one_hot", "unknown": "other", "missing": "category", "drop_first": True}]),
    ("s", [{"op": "ordinal", "unknown": "other", "missing": "category"}]),
    ("s", [{"op": "map", "values": {"red": 0.1, "blue": -7}, "unknown": "missing"}]),
    ("s", [{"op": "fill", "with": "none"}, {"op": "length"}]),
    ("u", [{"op": "lowercase"}, {"op": "ordinal", "unknown": "zeros"}]),
    ("s", [{"op": "word_count"}]),
    ("s", [{"op": "frequency"}]),
    ("t", [{"op": "target"}]),
    ("t", [{"op": "target", "at_least": 1, "min_rows": 40}]),
    (["t", "s"], [{"op": "cross"}, {"op": "target", "smoothing": 2}]),
    (["n", "m"], [{"op": "ratio"}]),
    (["n", "m"], [{"op": "difference"}]),
    (["e", "d"], [{"op": "elapsed", "unit": "hours"}]),
    ("d", [{"op": "is_missing"}]),
    ("d", [{"op": "year"}]),
    ("d", [{"op": "month"}, {"op": "cyclical", "period": 12}]),
    ("e", [{"op": "day"}]),
    ("e", [{"op": "hour"}, {"op": "cyclical", "period": 24}]),
    ("d", [{"op": "minute"}]),
    ("e", [{"op": "day_of_week"}]),
    ("d", [{"op": "day_of_year"}]),
    ("d", [{"op": "is_weekend"}]),
    ("i", [{"op": "from_unix"}, {"op": "day"}]),
    ("m", [{"op": "from_unix", "unit": "milliseconds"}, {"op": "minute"}]),
]
DOCUMENT = {
    "schema": "slipway.transform/1",
    "target": "y",
    "fields": FIELDS,
    "outputs": [
        {"name": f"x{i}", "from": source, "steps": steps, "missing": "nan"} for i, (source, steps) in enumerate(CHAINS)
    ],
}
TEXTS = ["red", "green", "blue", "Ünïcode 😀", " two  Words ", "", "nul\0"]


def frame_of(seed, count):
    random = np.random.default_rng(seed)

    def numbers():
        kinds = random.integers(0, 6, count)
        choices = [np.zeros(count), -random.random(count) * 1e9, random.random(count) * 1e-30]
        choices += [random.random(count) * 1e30, *(random.random((2, count)) - 0.3) * 100]
        return np.choose(kinds, choices)

    def holes(values, missing):
        return np.where(random.random(count) < 0.15, missing, values)

    def times():
        return (random.random(count) * 4e12 - 8e11).astype("int64").astype("datetime64[ms]")

    texts = np.array(TEXTS, dtype=object)
    return pd.DataFrame(
        {
            "n": numbers(),
            "m": holes(numbers(), np.nan),
            "i": (numbers() % 2**40).astype("int64"),
            "b": random.random(count) < 0.5,
            "c": pd.array(holes(random.random(count) < 0.5, None).astype(object), dtype="boolean"),
            "s": holes(random.choice(texts, count), None),
            "t": pd.Categorical(random.choice(texts[:6], count)),
            "u": holes(random.choice(texts[:5], count), None),
            "d": pd.Series(times()).mask(random.random(count) < 0.15),
            "e": pd.Series(times()).dt.tz_localize("UTC"),
            "y": random.random(count) < 0.3,
            "other": "passed over",
        }
    )


def assert_same_bits(made, expected):
    assert made.dtype == np.float32 and made.shape == expected.shape
    different = bits_of(made) != bits_of(expected)
    assert not different.any(), f"columns {np.flatnonzero(different.any(axis=0))}"


def bits_of(values):
    """What stands in a NaN beside its being one, an engine may choose."""
    return np.where(np.isnan(values), np.float32(np.nan), values).view(np.uint32)


def test_every_operation_is_among_them():
    page = (ROOT / "docs/reference/transforms.md").read_text(encoding="utf-8")
    known = set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
    assert {step["op"] for _, steps in CHAINS for step in steps} == known


def test_fit_and_apply(serving):
    training, frame = frame_of(1, 3_000), frame_of(2, 10_000)
    expected = serving(DOCUMENT, training, frame)
    transform = Transform.load(DOCUMENT).fit(training)
    assert transform.document == expected["document"]
    assert transform.fingerprint == expected["fingerprint"]
    assert transform.columns == expected["columns"]
    assert_same_bits(transform.apply(frame).to_numpy(), expected["values"])


@pytest.mark.parametrize("seed", range(3))
def test_random_transforms(serving, seed):
    random = np.random.default_rng(seed)
    chosen = random.choice(len(CHAINS), 8, replace=False)
    document = {**DOCUMENT, "outputs": [DOCUMENT["outputs"][i] for i in chosen]}
    training, frame = frame_of(10 + seed, 200), frame_of(20 + seed, 500)
    expected = serving(document, training, frame)
    assert_same_bits(Transform(document).fit(training).transform(frame), expected["values"])


def test_pieces_are_as_the_whole(monkeypatch):
    training, frame = frame_of(3, 2_000), frame_of(4, 1_000)
    whole = Transform(DOCUMENT).fit(training)
    monkeypatch.setattr("slipway.transform._PIECE_BYTES", 1)
    pieces = Transform(DOCUMENT).fit(training)
    assert pieces.fingerprint == whole.fingerprint
    assert_same_bits(pieces.transform(frame), whole.transform(frame))


def test_other_forms_of_a_column_give_the_same():
    frame = frame_of(5, 400)
    transform = Transform(DOCUMENT).fit(frame)
    expected = transform.transform(frame)
    zone = frame["d"].dt.tz_localize("UTC").dt.tz_convert("Asia/Kolkata")
    forms = {
        "m": [frame["m"].astype(object), frame["m"].astype("Float64")],
        "i": [frame["i"].astype("Int64"), frame["i"].astype("float64"), frame["i"].astype(object)],
        "b": [frame["b"].astype("boolean"), frame["b"].astype(object), frame["b"].astype("category")],
        "c": [frame["c"].astype(object)],
        "s": [frame["s"].astype("category"), frame["s"].astype("string"), frame["s"].astype(object)],
        "t": [frame["t"].astype(object), frame["t"].astype("str")],
        "d": [
            zone,
            frame["d"].astype("datetime64[ns]"),
            frame["d"].astype(object),
            frame["d"].map(lambda time: None if time is pd.NaT else time.isoformat()).astype(object),
            zone.map(lambda time: None if time is pd.NaT else time.isoformat()).astype(object),
        ],
    }
    for name, columns in forms.items():
        for column in columns:
            assert_same_bits(transform.transform(frame.assign(**{name: column})), expected)


def test_polars():
    polars = pytest.importorskip("polars")
    frame = frame_of(6, 300)
    transform = Transform(DOCUMENT).fit(frame)
    columns = {
        name: column.astype(object).where(column.notna(), None).tolist()
        for name, column in frame.drop(columns=["d", "e"]).items()
    }
    given = polars.DataFrame(columns, strict=False).with_columns(
        d=polars.Series(frame["d"].to_numpy()), e=polars.Series(frame["e"].dt.tz_localize(None).to_numpy())
    )
    assert_same_bits(transform.transform(given), transform.transform(frame))


def test_times_are_cut_to_the_millisecond_whatever_their_resolution(serving):
    texts = ["1960-03-01T00:00:00.999999", "2024-05-06T07:08:09.000999", "1969-12-31T23:59:59.999600", "1970-01-01"]
    steps = [{"op": "elapsed", "unit": "seconds"}]
    fields = [{"name": "a", "type": "datetime"}, {"name": "b", "type": "datetime"}]
    outputs = [{"name": "x", "from": ["a", "b"], "steps": steps}]
    document = {"schema": "slipway.transform/1", "fields": fields, "outputs": outputs}
    frame = pd.DataFrame({"a": texts, "b": [text[:19] for text in texts]})
    expected = serving(document, frame, frame)["values"]
    assert expected[:, 0].tolist() == pytest.approx([0.999, 0, 0.999, 0])
    for unit in ("us", "ns"):
        times = frame.apply(lambda column: pd.to_datetime(column, format="ISO8601").astype(f"datetime64[{unit}]"))
        assert_same_bits(Transform(document).transform(times), expected)


@pytest.mark.parametrize("dtype", [object, "category"])
def test_many_distinct_texts(serving, dtype):
    random = np.random.default_rng(8)
    texts = [f"{'x' * (i % 50)} {i}" for i in range(5_000)]
    column = pd.Series(random.choice(texts, 20_000)).astype(object)
    frame = pd.DataFrame({"s": column.mask(random.random(20_000) < 0.1, None)})
    fields = [{"name": "s", "type": "string", "required": False}]
    outputs = [{"name": op, "from": "s", "steps": [{"op": op}]} for op in ("length", "frequency")]
    document = {"schema": "slipway.transform/1", "fields": fields, "outputs": outputs}
    expected = serving(document, frame, frame)
    transform = Transform(document).fit(frame.astype(dtype))
    assert transform.fingerprint == expected["fingerprint"]
    assert_same_bits(transform.transform(frame.astype(dtype)), expected["values"])


def test_nothing_is_used_whose_last_bit_is_left_to_the_engine():
    exact = {"abs", "ceil", "floor", "max", "min", "round", "sign", "sqrt", "trunc", "PI", "imul", "fround"}
    # The same in every V8 so far, as test_fit_and_apply holds.
    exact.add("log1p")
    sources = [path for path in (ROOT / "src/models/transforms").rglob("*.ts") if ".test." not in path.name]
    assert len(sources) > 10
    for path in sources:
        code = re.sub(r"/\*.*?\*/|//[^\n]*", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        assert set(re.findall(r"\bMath\.(\w+)", code)) <= exact, path.name
        assert "**" not in code, path.name
