"""Bodies of POST /invocations, good and bad, for one model."""

import json
from dataclasses import dataclass

import pandas as pd
from models import Model

JSON = "application/json"
CSV = "text/csv"
NAN = float("nan")


@dataclass(frozen=True)
class Case:
    name: str
    body: bytes
    content_type: str | None = JSON


def cases_of(model: Model) -> list[Case]:
    return [*forms(model), *faults(model), *cells(model), *content_types(model)]


def case(name: str, body, content_type: str | None = JSON) -> Case:
    encoded = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return Case(name, encoded, content_type)


def forms(model: Model) -> list[Case]:
    """The same rows in each form that MLflow has for them."""
    rows, columns = model.rows, model.columns
    data = [list(row.values()) for row in rows]
    by_column = {name: [row[name] for row in rows] for name in columns}
    frame = pd.DataFrame(rows)
    split = {"columns": columns, "data": data}
    backwards = [dict(reversed(row.items())) for row in rows]
    return [
        case("split", {"dataframe_split": split}),
        case("split of one row", {"dataframe_split": {"columns": columns, "data": data[:1]}}),
        case("split with index", {"dataframe_split": {**split, "index": [7, 8, 9]}}),
        case("split as pandas writes it", '{"dataframe_split": %s}' % frame.to_json(orient="split")),
        case("split in another order", {"dataframe_split": {"columns": columns[::-1], "data": [row[::-1] for row in data]}}),
        case("split with one column more", {"dataframe_split": {"columns": [*columns, "more"], "data": [[*row, 1] for row in data]}}),
        case("split without columns", {"dataframe_split": {"data": data}}),
        case("split with other names", {"dataframe_split": {"columns": [f"x{i}" for i in range(len(columns))], "data": data}}),
        case("split with a column twice", {"dataframe_split": {"columns": [*columns, columns[0]], "data": [[*row, row[0]] for row in data]}}),
        case("records", {"dataframe_records": rows}),
        case("records of one row", {"dataframe_records": rows[:1]}),
        case("records in another order", {"dataframe_records": backwards}),
        case("records with one column more", {"dataframe_records": [{**row, "more": "x"} for row in rows]}),
        case("records of fifty rows", {"dataframe_records": [rows[i % len(rows)] for i in range(50)]}),
        case("instances of objects", {"instances": rows}),
        case("instances of one object", {"instances": rows[:1]}),
        case("instances of lists", {"instances": data}),
        case("instances of one list", {"instances": data[:1]}),
        case("inputs of columns", {"inputs": by_column}),
        case("inputs of columns in brackets", {"inputs": {name: [[cell] for cell in column] for name, column in by_column.items()}}),
        case("inputs of columns with one more", {"inputs": {**by_column, "more": [1] * len(rows)}}),
        case("inputs of scalars", {"inputs": rows[0]}),
        case("inputs of objects", {"inputs": rows}),
        case("inputs of lists", {"inputs": data}),
        case("inputs of one list", {"inputs": data[:1]}),
        case("inputs by the graph's name", {"inputs": {"X": data}}),
        case("inputs that are one list of scalars", {"inputs": data[0]}),
        case("inputs that are a scalar", {"inputs": 1.5}),
        case("csv", frame.to_csv(index=False), CSV),
        case("csv with the index", frame.to_csv(), CSV),
        case("csv of one row", frame[:1].to_csv(index=False), CSV),
        case("csv in another order", frame[columns[::-1]].to_csv(index=False), CSV),
        case("csv with one column more", frame.assign(more="x").to_csv(index=False), CSV),
        case("csv with CRLF", frame.to_csv(index=False, lineterminator="\r\n"), CSV),
        case("csv with a byte order mark", b"\xef\xbb\xbf" + frame.to_csv(index=False).encode(), CSV),
        case("csv with a blank line", frame.to_csv(index=False) + "\n", CSV),
        case("csv with a line of blanks", frame.to_csv(index=False) + "  \n", CSV),
        case("csv with lines that end in CR", frame.to_csv(index=False, lineterminator="\r"), CSV),
        case("csv with lines that end in this and that", frame.to_csv(index=False).replace("\n", "\r\n", 1), CSV),
        case("csv without an end of its last line", frame.to_csv(index=False).rstrip(), CSV),
        case("csv with quotes", frame.to_csv(index=False, quoting=1), CSV),
        case("params", {"dataframe_records": rows, "params": {"temperature": 1}}),
        case("params that are no dictionary", {"dataframe_records": rows, "params": [1]}),
        case("params of null", {"dataframe_records": rows, "params": None}),
        case("a key that is not known", {"dataframe_records": rows, "foo": 1}),
        case("signature_name", {"instances": rows, "signature_name": "serving_default"}),
        case("json with a byte order mark", b"\xef\xbb\xbf" + json.dumps({"dataframe_records": rows}).encode()),
        case("no rows in records", {"dataframe_records": []}),
        case("no rows in split", {"dataframe_split": {"columns": columns, "data": []}}),
        case("no rows in instances", {"instances": []}),
        case("no rows in inputs", {"inputs": []}),
        case("no rows in csv", ",".join(columns) + "\n", CSV),
    ]


def faults(model: Model) -> list[Case]:
    rows, columns = model.rows, model.columns
    data = [list(row.values()) for row in rows]
    without = [{name: cell for name, cell in row.items() if name != columns[0]} for row in rows]
    return [
        case("nothing", b""),
        case("not json", b'{"dataframe_records": ['),
        case("not utf-8", b'{"dataframe_records": "\xff"}'),
        case("a list", rows),
        case("a text", '"text"'),
        case("a number", "1"),
        case("null", "null"),
        case("an empty object", {}),
        case("only other keys", {"data": rows}),
        case("two forms", {"instances": rows, "inputs": rows}),
        case("records and split", {"dataframe_records": rows, "dataframe_split": {"data": data}}),
        case("a model of language: messages", {"messages": [{"role": "user", "content": "hi"}]}),
        case("a model of language: prompt", {"prompt": "hi"}),
        case("a model of language: input", {"input": "hi"}),
        case("split that is a list", {"dataframe_split": data}),
        case("split that is null", {"dataframe_split": None}),
        case("split without data", {"dataframe_split": {"columns": columns}}),
        case("split with another key", {"dataframe_split": {"columns": columns, "data": data, "x": 1}}),
        case("split with rows too long", {"dataframe_split": {"columns": columns, "data": [[*row, 1] for row in data]}}),
        case("split with rows too short", {"dataframe_split": {"columns": columns, "data": [row[1:] for row in data]}}),
        case("split with one row too short", {"dataframe_split": {"columns": columns, "data": [data[0], data[1][:-1]]}}),
        case("split with an index too short", {"dataframe_split": {"columns": columns, "data": data, "index": [1]}}),
        case("split whose data is a text", {"dataframe_split": {"columns": columns, "data": "text"}}),
        case("records that are an object", {"dataframe_records": rows[0]}),
        case("records that are a text", {"dataframe_records": "text"}),
        case("records of numbers", {"dataframe_records": [1, 2]}),
        case("records without a column", {"dataframe_records": without}),
        case("instances without a column", {"instances": without}),
        case("one record without a column", {"dataframe_records": [rows[0], without[1]]}),
        case("instances that are null", {"instances": None}),
        case("inputs that are null", {"inputs": None}),
        case("inputs with columns of unlike length", {"inputs": {name: [row[name] for row in rows][: 1 + (i > 0)] for i, name in enumerate(columns)}}),
        case("inputs too wide", {"inputs": [[1.0] * 9]}),
        case("inputs too deep", {"inputs": [[[1.0], [2.0], [3.0]]]}),
        case("inputs ragged", {"inputs": [[1.0, 2.0, 3.0], [1.0]]}),
        case("csv of nothing", b"", CSV),
        case("csv with a row too long", ",".join(columns) + "\n" + ",".join("1" * len(columns)) + "\n" + "1," * len(columns) + "1\n", CSV),
        case("csv with all rows too long", ",".join(columns) + "\n" + ",".join("1" * (len(columns) + 1)) + "\n", CSV),
        case("csv with a row too short", ",".join(columns) + "\n" + ",".join("1" * len(columns)) + "\n" + ",".join("1" * (len(columns) - 1)) + "\n", CSV),
        case("csv without a column", "a,b\n1,2\n", CSV),
        case("csv that is not utf-8", ",".join(columns).encode() + b"\n\xff\xfe,1,1\n", CSV),
        case("csv with a quote that does not end", ",".join(columns) + '\n"1,2,3\n', CSV),
    ]


def cells(model: Model) -> list[Case]:
    """One cell changed, in records and in CSV."""
    found = []
    for name, kind in model.types.items():
        for title, cell in CELLS[kind].items():
            found.append(case(f"{kind} {name}: {title}", {"dataframe_records": [model.rows[0], {**model.rows[1], name: cell}]}))
            found.append(case(f"inputs {kind} {name}: {title}", {"inputs": [{**model.rows[1], name: cell}]}))
        for text in CSV_CELLS[kind]:
            first, changed = (list(map(csv_text, {**row, name: cell}.values())) for row, cell in ((model.rows[0], model.rows[0][name]), (model.rows[0], text)))
            lines = [",".join(model.columns), ",".join(first), ",".join(changed)]
            found.append(case(f"csv {kind} {name}: {text!r}", "\n".join(lines) + "\n", CSV))
    return found


def csv_text(cell) -> str:
    return cell if isinstance(cell, str) else str(cell)


NUMBERS = {
    "null": None,
    "NaN": NAN,
    "Infinity": float("inf"),
    "text of a number": "3",
    "text": "three",
    "empty text": "",
    "true": True,
    "list": [1],
    "object": {"a": 1},
}
CELLS = {
    "double": {**NUMBERS, "whole": 4, "fraction": 4.25, "large": 1e300, "small": 1e-300, "negative zero": -0.0},
    "long": {**NUMBERS, "whole float": 4.0, "fraction": 3.5, "large": 2**40, "beyond 2^53": 2**53 + 1, "beyond int64": 2**70},
    "string": {"null": None, "NaN": NAN, "number": 3, "true": True, "empty text": "", "unicode": "gr\u00fcn \U0001f600", "long": "x" * 5000, "list": ["red"]},
    "boolean": {"null": None, "0": 0, "1": 1, "2": 2, "0.5": 0.5, "text true": "true", "text false": "false", "empty text": "", "list": [True]},
}
CSV_CELLS = {
    "double": ["4", "4.25", "1e3", "", "NA", "nan", "null", "text", " 5 ", "1_000", "inf"],
    "long": ["4", "4.0", "3.5", "", "NA", "text", " 5 ", "1e2"],
    "string": ["blue", '"a,b"', '"say ""red"""', 're"d"', '"re"d', '"a\r\nb"', "", "NA", "7", "007"],
    "boolean": ["true", "True", "TRUE", "false", "False", "FALSE", "0", "1", "yes", ""],
}


def content_types(model: Model) -> list[Case]:
    body = {"dataframe_records": model.rows}
    return [
        case(f"content type {content_type}", body, content_type)
        for content_type in (
            "application/json; charset=utf-8",
            "application/json;charset=UTF-8",
            "application/json; charset=latin-1",
            "application/json; charset=utf-8; format=pandas-split",
            "application/json; format=pandas-records",
            "application/json;",
            "Application/JSON",
            "application/x-www-form-urlencoded",
            "text/plain",
            "application/vnd.apache.parquet",
            None,
        )
    ]
