"""
Which bodies show each deliberate difference from MLflow's scoring server. What differs, in which statuses and why, is
said once: in the table of docs/reference/mlflow-scoring.md, which is read here.
"""

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase

from servers import ROOT

PAGE = ROOT / "docs/reference/mlflow-scoring.md"
ROW = re.compile(r"^\| `([\w-]+)` +\| (\d{3})\b[^|]*\| (\d{3})\b", re.MULTILINE)

"""By the name of the difference: `model / case`, as file names are matched."""
BODIES = {
    "missing-required": (
        "*-columns / one record without a column",
        "regression-tensor / one record without a column",
        "mixed-tensors / one record without a column",
        "regression-bare / one record without a column",
        "mixed-* / split with one row too short",
        "*-tensor / split with one row too short",
        "regression-bare / split with one row too short",
        "regression-bare / csv with a row too short",
        "*-columns / *double a[rm]*: null",
        "*-columns / *double a[rm]*: NaN",
        "*-columns / csv double a[rm]*: ''",
        "*-columns / csv double a[rm]*: 'N[Aa]*'",
        "*-columns / csv double a[rm]*: 'n[au]*'",
        "mixed-columns / *string color: null",
        "mixed-columns / *string color: NaN",
        "mixed-columns / csv string color: ''",
        "mixed-columns / *boolean is_new: null",
        "mixed-columns / *boolean is_new: empty text",
        "mixed-tensors / double amount: null",
        "mixed-tensors / double amount: NaN",
        "mixed-tensors / string color: null",
        "mixed-tensors / string color: NaN",
        "mixed-tensors / boolean is_new: null",
        "mixed-tensors / boolean is_new: empty text",
        "python-* / one record without a column",
        *(f"python-pyfunc / *double area: {value}" for value in ("null", "NaN", "''", "'NA'", "'nan'", "'null'")),
    ),
    "missing-integer": tuple(
        f"python-{flavor} / *long rooms: {value}"
        for flavor in ("pickle", "cloudpickle", "skops", "xgboost", "lightgbm")
        for value in ("null", "NaN", "''", "'NA'")
    ),
    "infinite": (
        *(f"python-{flavor} / *double *: Infinity" for flavor in ("xgboost", "lightgbm", "pyfunc")),
        *(f"python-{flavor} / csv double *: 'inf'" for flavor in ("xgboost", "lightgbm", "pyfunc")),
        "*-columns / *double *: Infinity",
        "*-columns / csv double *: 'inf'",
        "mixed-tensors / double amount: Infinity",
    ),
    "beyond-the-type": ("[!m]*-columns / *double *: large",),
    "beyond-2-53": ("python-[!b]* / *long *: beyond 2^53", "*-columns / *long *: beyond 2^53", "mixed-tensors / long count: beyond 2^53"),
    "fraction-of-an-integer": ("python-[!b]* / *long *: fraction", "*-columns / *long *: fraction", "mixed-tensors / long count: fraction"),
    "boolean-of-anything": (
        "mixed-columns / *boolean is_new: 2",
        "mixed-columns / *boolean is_new: 0.5",
        "mixed-columns / boolean is_new: list",
        "mixed-tensors / boolean is_new: 2",
        "mixed-tensors / boolean is_new: 0.5",
    ),
    "boolean-text": ("mixed-columns / *boolean is_new: text false", "mixed-tensors / boolean is_new: text false"),
    "text-of-anything": (
        *(f"mixed-columns / *string color: {title}" for title in ("number", "true", "list")),
        *(f"mixed-tensors / string color: {title}" for title in ("number", "true")),
    ),
    "brackets-of-one": (
        "mixed-tensors / inputs of columns in brackets",
        "mixed-tensors / double amount: list",
        "mixed-tensors / long count: list",
    ),
    "text-in-brackets": ("mixed-tensors / string color: list",),
    "unlike-lengths": ("mixed-tensors / inputs with columns of unlike length",),
    "matrix-beside-a-column": ("matrix-columns / *",),
    "csv-booleans-of-0-and-1": ("mixed-columns / csv boolean is_new: '[01]'",),
    "csv-with-a-column-too-many": ("*-columns / csv with all rows too long", "python-* / csv with all rows too long"),
    "no-rows": tuple(
        f"python-{flavor} / no rows in {form}" for flavor in ("pickle", "cloudpickle", "skops", "lightgbm") for form in ("csv", "split")
    ),
    "columns-without-a-signature": tuple(
        f"python-bare / {title}"
        for title in (
            "csv in another order",
            "csv with one column more",
            "csv with the index",
            "inputs of columns",
            "inputs of columns in brackets",
            "inputs of columns with one more",
            "inputs too deep",
            "instances of objects",
            "instances of one object",
            "records in another order",
            "records with one column more",
            "signature_name",
            "split in another order",
            "split with one column more",
            "split with other names",
        )
    ),
    "csv-for-tensors": ("*-tensor* / csv*",),
    "tensor-by-its-name-in-the-graph": ("*-tensor / inputs by the graph's name",),
    "index-of-tensors": ("mixed-tensors / split with index",),
    "parquet": ("* / content type application/vnd.apache.parquet",),
    "no-content-type": ("* / content type None",),
}

"""Where MLflow refuses whatever comes: what Slipway refuses too is no difference, and something must be one."""
REFUSES_EVERYTHING = {"matrix-beside-a-column", "csv-for-tensors"}


@dataclass(frozen=True)
class Difference:
    name: str
    """Status that MLflow gives, and Slipway."""
    statuses: tuple[int, int]
    bodies: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        return self.name not in REFUSES_EVERYTHING

    def covers(self, model: str, case: str) -> bool:
        return any(fnmatchcase(f"{model} / {case}", pattern) for pattern in self.bodies)


def documented() -> list[Difference]:
    """The rows of the page, each with the bodies that show it: none, where nobody says which."""
    rows = ROW.findall(PAGE.read_text("utf8"))
    return [Difference(name, (int(theirs), int(ours)), BODIES.get(name, ())) for name, theirs, ours in rows]


DIFFERENCES = documented()
