"""Columns of the wire as DataFrames and matrices."""

import numpy as np
import pandas as pd
import pytest

from slipway_worker import tables
from slipway_worker.port import Columns, MissingPackages
from slipway_worker.tables import InputColumn, Table, frame_of

TYPES = ["float64", "string", "int64", "float64", "bool", "string"]
COLUMNS = [InputColumn(f"c{place}", kind) for place, kind in enumerate(TYPES)]
ARRAYS = {
    "c0": np.array([0.5, np.nan]),
    "c1": ["a", None],
    "c2": np.array([1, 2]),
    "c3": np.array([3.5, 4.5]),
    "c4": np.array([True, False]),
    "c5": ["x", "y"],
}


def test_a_frame_has_the_columns_dtypes_in_the_models_order():
    frame = Table(COLUMNS).frame(Columns([], 2, dict(reversed(ARRAYS.items()))))
    expected = pd.DataFrame(
        {name: pd.Series(values, dtype=object if isinstance(values, list) else None) for name, values in ARRAYS.items()}
    ).fillna({"c1": np.nan})
    pd.testing.assert_frame_equal(frame, expected)
    assert list(frame.dtypes) == [float, object, np.int64, float, bool, object]
    assert frame.index.equals(pd.RangeIndex(2))
    # pandas calls None and NaN equal; scikit-learn does not.
    assert isinstance(frame["c1"][1], float)
    frame["c0"] = 1.0
    frame.loc[0, "c2"] = 7
    assert frame["c2"].tolist() == [7, 2]


def test_blocks_and_the_constructor_make_the_same_frame(monkeypatch):
    table = Table(COLUMNS)
    quick = table.frame(Columns([], 2, ARRAYS))
    monkeypatch.setattr(tables, "_block_builder", lambda: None)
    pd.testing.assert_frame_equal(quick, table.frame(Columns([], 2, ARRAYS)))


def test_a_frame_of_no_rows_and_one_of_one_dtype():
    assert Table(COLUMNS[:1]).frame(Columns([], 0, {"c0": np.array([])})).shape == (0, 1)
    frame = frame_of(pd.Index(["a", "b"]), [np.array([1.0, 2.0]), np.array([3.0, 4.0])], 2)
    pd.testing.assert_frame_equal(frame, pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]}))


def test_a_matrix_is_of_numbers_where_all_are():
    numbers = Table([COLUMNS[0], COLUMNS[2]]).matrix(Columns([], 2, ARRAYS))
    assert numbers.dtype == np.float64 and numbers[:, 1].tolist() == [1, 2]
    assert Table(COLUMNS[:2]).matrix(Columns([], 2, ARRAYS)).dtype == object
    single = {"a": np.array([1.5], np.float32)}
    assert Table([InputColumn("a", "float32")]).matrix(Columns([], 1, single)).dtype == np.float32


@pytest.mark.parametrize(
    ("kind", "values", "dtype"),
    [
        ("int64", [1, None], np.float64),
        ("int64", np.array([1.0, np.nan]), np.float64),
        ("long", np.array([1.0, 2.0]), np.int64),
        ("integer", np.array([1, 2]), np.int32),
        ("float", [1, None], np.float32),
        ("bool", [True, None], object),
        ("double", np.array([1, 2]), np.float64),
        ("datetime", ["2026-03-01", None], "datetime64[ns]"),
        ("array", [[1, 2], [3]], object),
        ("double", np.array([[1, 2], [3, 4]]), object),
    ],
)
def test_the_dtype_of_a_column(kind, values, dtype):
    assert InputColumn("a", kind).read(Columns(["a"], 2, {"a": values})).dtype == dtype


def test_a_column_that_is_left_out_is_missing():
    assert np.isnan(InputColumn("a").read(Columns([], 2, {}))).all()
    assert InputColumn("a", "string", missing_text=None).read(Columns([], 1, {})).tolist() == [None]


def test_what_pandas_is_needed_for_says_so(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pandas", None)
    tables.require_pandas.cache_clear()
    try:
        with pytest.raises(MissingPackages, match="pandas is not installed"):
            Table(COLUMNS).frame(Columns([], 2, ARRAYS))
        assert Table(COLUMNS[:1]).matrix(Columns([], 2, ARRAYS)).shape == (2, 1)
    finally:
        tables.require_pandas.cache_clear()
