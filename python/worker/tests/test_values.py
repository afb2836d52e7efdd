"""What models answer, as JSON values."""

import datetime
import decimal
import enum
import json
import uuid
from collections import namedtuple

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from slipway_worker.port import OutputError
from slipway_worker.values import predictions_of, probabilities_of

NAT = np.datetime64("NaT")


def listed(output, rows: int) -> list:
    """The predictions as they look to a caller: what JSON makes of them, NaN of an array being null."""
    values = predictions_of(output, rows)
    if isinstance(values, np.ndarray):
        assert values.dtype == np.float64 and values.ndim == 1
        values = [None if value != value else value for value in values.tolist()]
    return json.loads(json.dumps(values, allow_nan=False))


class Level(enum.Enum):
    HIGH = "high"


class Text(str):
    """As numpy and pydantic have texts of their own."""

    def __str__(self):
        return "not this"


Point = namedtuple("Point", "x y")
ZONE = datetime.timezone(datetime.timedelta(hours=2))
CASES = {
    "floats": (np.array([0.5, np.nan]), [0.5, None]),
    "float32": (np.array([0.5, 1], np.float32), [0.5, 1.0]),
    "float16": (np.array([0.5, 1], np.float16), [0.5, 1.0]),
    "whole numbers": (np.array([1, 2**53]), [1, 2**53]),
    "unsigned": (np.array([1, 2], np.uint8), [1, 2]),
    "booleans": (np.array([True, False]), [True, False]),
    "texts": (np.array(["a", "ü"]), ["a", "ü"]),
    "objects": (np.array(["a", None], object), ["a", None]),
    "mixed objects": (np.array([1.5, np.inf], object), [1.5, None]),
    "dates of numpy": (np.array(["2026-03-01", "NaT"], "datetime64[D]"), ["2026-03-01", None]),
    "times of numpy": (np.array(["2026-03-01T10:00:00.500", NAT], "datetime64[ns]"), ["2026-03-01T10:00:00.5", None]),
    "spans of numpy": (np.array([1500, "NaT"], "timedelta64[ms]"), [1.5, None]),
    "a matrix": (np.array([[1.0, np.nan], [np.inf, 2]]), [[1.0, None], [None, 2.0]]),
    "a matrix of whole numbers": (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
    "three axes": (np.zeros((2, 1, 2)), [[[0.0, 0.0]], [[0.0, 0.0]]]),
    "records of numpy": (
        np.array([(1, 0.5), (2, np.nan)], [("a", int), ("b", float)]),
        [{"a": 1, "b": 0.5}, {"a": 2, "b": None}],
    ),
    "a sparse matrix": (sparse.csr_matrix([[1.0, 0], [0, 2]]), [[1.0, 0.0], [0.0, 2.0]]),
    "a Series": (pd.Series([1.5, None]), [1.5, None]),
    "a Series of whole numbers with gaps": (pd.Series([1, None], dtype="Int64"), [1, None]),
    "a Series of booleans with gaps": (pd.Series([True, None], dtype="boolean"), [True, None]),
    "a Series of texts with gaps": (pd.Series(["a", None], dtype="string"), ["a", None]),
    "a Series of categories": (pd.Series(["a", None], dtype="category"), ["a", None]),
    "a Series of times": (pd.Series([pd.Timestamp("2026-03-01 10:00"), pd.NaT]), ["2026-03-01T10:00:00", None]),
    "a Series of times with a zone": (
        pd.Series([pd.Timestamp("2026-03-01 10:00", tz="Europe/Oslo"), pd.NaT]),
        ["2026-03-01T10:00:00+01:00", None],
    ),
    "a Series of spans": (pd.Series([pd.Timedelta("1h"), pd.NaT]), [3600.0, None]),
    "a Categorical": (pd.Categorical(["a", "b"]), ["a", "b"]),
    "an Index": (pd.Index(["a", "b"]), ["a", "b"]),
    "a DataFrame": (
        pd.DataFrame({"a": [1, 2], "b": ["x", None], 3: [np.nan, 0.5]}),
        [{"a": 1, "b": "x", "3": None}, {"a": 2, "b": None, "3": 0.5}],
    ),
    "a DataFrame with its own index": (pd.DataFrame({"a": [1, 2]}, index=[7, 9]), [{"a": 1}, {"a": 2}]),
    "a dict of arrays": (
        {"label": np.array(["a", "b"]), "score": np.array([0.5, np.nan])},
        [{"label": "a", "score": 0.5}, {"label": "b", "score": None}],
    ),
    "a dict of lists": ({"a": [1, [2]]}, [{"a": 1}, {"a": [2]}]),
    "a list of numbers": ([1, 2.5], [1, 2.5]),
    "numbers of numpy": ([np.float32(0.5), np.int64(7)], [0.5, 7]),
    "texts and booleans of numpy": ([np.str_("a"), np.bool_(True)], ["a", True]),
    "missing values": ([None, pd.NA], [None, None]),
    "more missing values": ([pd.NaT, float("nan")], [None, None]),
    "dates": (
        [datetime.date(2026, 3, 1), datetime.datetime(2026, 3, 1, 10, 0, 0, 5, ZONE)],
        ["2026-03-01", "2026-03-01T10:00:00.000005+02:00"],
    ),
    "times of day and spans": ([datetime.time(10, 5), datetime.timedelta(minutes=1)], ["10:05:00", 60.0]),
    "decimals": ([decimal.Decimal("12.30"), decimal.Decimal("NaN")], [12.3, None]),
    "bytes": ([b"\x00ok", bytearray(b"")], ["AG9r", ""]),
    "enums and ids": ([Level.HIGH, uuid.UUID(int=1)], ["high", "00000000-0000-0000-0000-000000000001"]),
    "texts of one's own": ([Text("a"), "b"], ["a", "b"]),
    "objects in objects": (
        [{"a": {"b": (1, np.nan)}, 2: [np.array([1.0])]}, {}],
        [{"a": {"b": [1, None]}, "2": [[1.0]]}, {}],
    ),
    "named tuples": ([Point(1, 2.5), Point(0, 0)], [[1, 2.5], [0, 0]]),
    "arrays of several lengths": ([np.array([1]), np.array([1, 2])], [[1], [1, 2]]),
    "nothing": ([], []),
}


@pytest.mark.parametrize("case", CASES)
def test_answers_become_json(case):
    output, expected = CASES[case]
    assert listed(output, len(expected)) == expected


@pytest.mark.parametrize("case", [case for case in CASES if case != "nothing"])
def test_an_answer_of_another_length_is_named_with_both_numbers(case):
    output, expected = CASES[case]
    with pytest.raises(OutputError) as error:
        predictions_of(output, 5)
    assert error.value.kind == "wrong_length"
    assert f"answered {len(expected)} predictions for 5 rows" in str(error.value)


REFUSED = {
    "a text": ("yes", "answered one str for 2 rows"),
    "a number": (np.float64(1.0), "answered one float64 for 2 rows"),
    "an array without rows": (np.array(1.0), "answered one float64 for 2 rows"),
    "nothing": (None, "answered one NoneType for 2 rows"),
    "a tuple": ((1, 2), "answered one tuple for 2 rows"),
    "a generator": ((x for x in [1, 2]), "answered one generator for 2 rows"),
    "a complex number": ([1j, 1], "holds a complex"),
    "complex numbers": (np.array([1j, 1]), "holds a complex"),
    "a set": ([{1}, {2}], "holds a set"),
    "an object": ([object(), 1], "holds a object"),
    "a dict of a number": ({"a": 1, "b": [1, 2]}, '"a" of the answer is one int for 2 rows'),
    "two columns of one name": (pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"]), "two columns of one name"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_answer_a_row(case):
    output, message = REFUSED[case]
    with pytest.raises(OutputError) as error:
        predictions_of(output, 2)
    assert error.value.kind == "output"
    assert message in str(error.value)


def test_a_dict_of_another_length_names_the_member():
    with pytest.raises(OutputError, match='"b": the model answered 1 predictions for 2 rows'):
        predictions_of({"a": [1, 2], "b": [1]}, 2)


def test_probabilities():
    table = probabilities_of([[0.25, 0.75]], 1, 2)
    assert table.dtype == np.float64 and table.tolist() == [[0.25, 0.75]]
    for wrong, message in [
        ([0.5], "1 axes"),
        ([[0.5, 0.5]] * 3, "3 predictions for 1 rows"),
        ([[1.0]], "2 labels and gave 1"),
    ]:
        with pytest.raises(OutputError, match=message):
            probabilities_of(wrong, 1, 2)
