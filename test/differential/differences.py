"""
Where Slipway answers otherwise than MLflow's scoring server, on purpose. Each has its row, with the reason, in
docs/reference/mlflow-scoring.md. A difference that is not named here fails the test; so does one that is gone.
"""

from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True)
class Difference:
    name: str
    """Status that MLflow gives, and Slipway."""
    mlflow: int
    slipway: int
    """`model / case`, as file names are matched."""
    cases: tuple[str, ...]
    """False where MLflow refuses whatever comes: then some of the cases must differ, and not each of them."""
    is_whole: bool = True

    def covers(self, model: str, case: str) -> bool:
        return any(fnmatchcase(f"{model} / {case}", pattern) for pattern in self.cases)


DIFFERENCES = (
    Difference(
        "missing-required",
        200,
        400,
        (
            "*-columns / one record without a column",
            "regression-tensor / one record without a column",
            "mixed-tensors / one record without a column",
            "regression-bare / one record without a column",
            "mixed-* / split with one row too short",
            "*-tensor / split with one row too short",
            "regression-bare / split with one row too short",
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
        ),
    ),
    Difference("infinite", 200, 400, ("*-columns / *double *: Infinity", "*-columns / csv double *: 'inf'")),
    Difference("beyond-the-type", 200, 400, ("[!m]*-columns / *double *: large",)),
    Difference("beyond-2-53", 200, 400, ("*-columns / *long *: beyond 2^53",)),
    Difference("fraction-of-an-integer", 200, 400, ("*-columns / *long *: fraction",)),
    Difference(
        "boolean-of-anything",
        200,
        400,
        ("mixed-columns / *boolean is_new: 2", "mixed-columns / *boolean is_new: 0.5", "mixed-columns / boolean is_new: list"),
    ),
    Difference("boolean-text", 200, 200, ("mixed-columns / *boolean is_new: text false",)),
    Difference(
        "text-of-anything",
        200,
        400,
        tuple(f"mixed-columns / *string color: {title}" for title in ("number", "true", "list")),
    ),
    Difference("unlike-lengths", 200, 400, ("mixed-tensors / inputs with columns of unlike length",)),
    Difference(
        "matrix-beside-a-column", 400, 200, ("matrix-columns / *",), is_whole=False
    ),
    Difference(
        "csv-for-tensors",
        400,
        200,
        (
            *(f"*-tensor* / csv{end}" for end in ("", " of one row", " in another order", " with CRLF")),
            *(f"*-tensor* / csv with {end}" for end in ("a byte order mark", "a blank line", "quotes")),
            *(f"mixed-tensors / csv with {end}" for end in ("the index", "one column more")),
        ),
    ),
    Difference("tensor-by-its-name-in-the-graph", 400, 200, ("*-tensor / inputs by the graph's name",)),
    Difference("brackets-of-one", 400, 200, ("mixed-tensors / inputs of columns in brackets",)),
    Difference("index-of-tensors", 400, 200, ("mixed-tensors / split with index",)),
    Difference("parquet", 400, 415, ("* / content type application/vnd.apache.parquet",)),
    Difference("no-content-type", 500, 415, ("* / content type None",)),
)
