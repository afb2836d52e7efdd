"""Transform as a program uses it: files, errors, scikit-learn's conventions, processes and threads."""

import ast
import json
import os
import pickle
import shutil
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from slipway import Transform, TransformError

PACKAGE = ROOT / "python/src/slipway"
DOCUMENT = {
    "schema": "slipway.transform/1",
    "fields": [
        {"name": "income", "type": "number", "required": False, "minimum": 0},
        {"name": "grade", "type": "string"},
        {"name": "at", "type": "datetime"},
    ],
    "outputs": [
        {"name": "income", "from": "income", "steps": [{"op": "impute", "with": "median"}, {"op": "standardise"}]},
        {"name": "grade", "from": "grade", "steps": [{"op": "one_hot"}]},
        {"name": "month", "from": "at", "steps": [{"op": "month"}]},
    ],
}


@pytest.fixture
def frame():
    return pd.DataFrame(
        {
            "income": [1.0, None, 3.0, 8.0] * 5,
            "grade": ["a", "b", "a", "c"] * 5,
            "at": pd.date_range("2024-01-31", periods=20, freq="ME"),
            "y": [0, 1, 0, 1] * 5,
        },
        index=range(100, 120),
    )


def test_a_document_goes_through_files(frame, tmp_path):
    (tmp_path / "t.yaml").write_text(
        "schema: slipway.transform/1\n"
        "fields: [{ name: income, type: number }]\n"
        "outputs: [{ name: income, from: income, steps: [{ op: standardise }] }]\n"
    )
    fitted = Transform.load(tmp_path / "t.yaml").fit(frame.dropna())
    fitted.save(tmp_path / "t.json")
    read = Transform.load(str(tmp_path / "t.json"))
    assert read.fingerprint == fitted.fingerprint
    assert read.document == fitted.document == json.loads((tmp_path / "t.json").read_text())
    assert sorted(os.listdir(tmp_path)) == ["t.json", "t.yaml"]
    with pytest.raises(FileNotFoundError):
        read.save(tmp_path / "nowhere" / "t.json")


def test_apply_keeps_the_index(frame):
    made = Transform(DOCUMENT).fit(frame).apply(frame)
    assert list(made.columns) == ["income", "grade_a", "grade_b", "grade_c", "month"]
    assert (made.dtypes == np.float32).all() and made.index.equals(frame.index)
    assert made["month"].tolist()[:3] == [1, 2, 3]


def test_empty_frames(frame):
    transform = Transform(DOCUMENT).fit(frame)
    assert transform.transform(frame.iloc[:0]).shape == (0, 5)
    with pytest.raises(TransformError, match="no rows to learn from"):
        Transform(DOCUMENT).fit(frame.iloc[:0])


def test_every_problem_of_a_document_is_named():
    outputs = [{"name": "x", "from": "a", "steps": [{"op": "nothing"}]}, {"name": "x", "from": "b"}]
    with pytest.raises(TransformError) as caught:
        Transform({"schema": "slipway.transform/1", "fields": [{"name": "a", "type": "number"}], "outputs": outputs})
    assert caught.value.code == "TRANSFORM_INVALID"
    assert [problem["path"] for problem in caught.value.problems] == [
        "outputs[1].name",
        "outputs[0].steps[0].op",
        "outputs[1].from",
    ]
    for problem in caught.value.problems:
        assert f"{problem['path']}: {problem['message']}" in str(caught.value)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_every_bad_row_is_named_once(frame):
    transform = Transform(DOCUMENT).fit(frame)
    bad = frame.astype({"income": object}).assign(at=frame["at"].astype(str).astype(object))
    bad.iloc[3, 0] = -1
    bad.iloc[5, 1] = "new"
    bad.iloc[7, 0] = "text"
    bad.iloc[8, 2] = "2024-02-30"
    with pytest.raises(TransformError) as caught:
        transform.apply(bad)
    assert str(caught.value).startswith("4 of 20 rows do not fit the fields of the transform\n")
    assert [problem["path"] for problem in caught.value.problems] == [
        "row 4: income",
        "row 6: grade",
        "row 8: income",
        "row 9: at",
    ]
    assert transform.apply(frame).shape == (20, 5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"income": float("inf")}, "row 1: income: is not a finite number"),
        ({"grade": 3}, "row 1: grade: has the wrong type"),
        ({"grade": True}, "row 1: grade: has the wrong type"),
        ({"grade": None}, "row 1: grade"),
        ({"at": pd.NaT}, "row 1: at"),
        ({"income": pd.Timestamp("2024-01-01")}, "income: has the wrong type (expected number, got datetime)"),
        ({"income": 1j}, "income: holds complex numbers"),
        ({"income": pd.Timedelta("1s")}, "income: is a column of timedelta64"),
    ],
)
def test_a_column_of_another_type_is_refused(frame, change, message):
    transform = Transform(DOCUMENT).fit(frame)
    with pytest.raises(TransformError) as caught:
        transform.apply(frame.assign(**change))
    assert message in str(caught.value)


def test_columns_that_are_not_there_are_all_named(frame):
    with pytest.raises(TransformError) as caught:
        Transform(DOCUMENT).fit(frame[["y"]])
    assert [problem["path"] for problem in caught.value.problems] == ["grade", "at"]
    lists = frame.assign(grade=[[1]] * 20, at=[{}] * 20)
    with pytest.raises(TransformError, match="(?s)grade: holds a list.*at: holds a dict"):
        Transform(DOCUMENT).fit(lists)
    twice = pd.concat([frame, frame["grade"]], axis=1)
    with pytest.raises(TransformError, match="grade: is there twice"):
        Transform(DOCUMENT).fit(twice)


def test_what_is_not_fitted_says_so():
    with pytest.raises(TransformError, match="(?s)income: impute is not fitted: call fit.*grade: one_hot"):
        _ = Transform(DOCUMENT).columns


def test_the_label_may_be_y(frame):
    document = {**DOCUMENT, "target": "y", "outputs": [{"name": "t", "from": "grade", "steps": [{"op": "target"}]}]}
    by_column = Transform(document).fit(frame)
    by_argument = Transform(document).fit(frame.drop(columns="y"), frame["y"].to_numpy())
    assert by_column.fingerprint == by_argument.fingerprint
    with pytest.raises(TransformError, match="y: is not a column of the data: give the label as y"):
        Transform(document).fit(frame.drop(columns="y"))
    with pytest.raises(TransformError, match="y has 2 values for 20 rows"):
        Transform(document).fit(frame.drop(columns="y"), [0, 1])


def test_mappings():
    block = {"feature_names": ["n", "c_a", "c_b", "o"], "encoding_mappings": {"c": ["a", "b"], "o": {"x": 3, "y": -1}}}
    transform = Transform.from_mappings(block)
    assert transform.columns == block["feature_names"]
    row = {"n": [1.5], "c": ["b"], "o": ["y"]}
    assert transform.transform(row).tolist() == [[1.5, 0, 1, -1]]
    with pytest.raises(TransformError, match="o: feature_names has neither"):
        Transform.from_mappings({**block, "feature_names": ["n", "c_a", "c_b"]})


def test_scikit_learn_takes_it(frame):
    from sklearn.base import clone
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.utils.validation import check_is_fitted

    transform = Transform(DOCUMENT)
    fitted = transform.fit(frame)
    assert fitted is transform
    copied = clone(fitted)
    assert copied.get_params() == {"spec": DOCUMENT}
    with pytest.raises(TransformError):
        copied.transform(frame)
    check_is_fitted(fitted)
    pipeline = make_pipeline(Transform(DOCUMENT), LogisticRegression())
    search = GridSearchCV(pipeline, {"logisticregression__C": [0.1, 10]}, cv=2, n_jobs=2).fit(frame, frame["y"])
    assert search.best_score_ > 0.9
    assert search.predict(frame).shape == (20,)
    best = search.best_estimator_
    assert best[:-1].get_feature_names_out().tolist() == fitted.columns
    made = make_pipeline(Transform(DOCUMENT)).set_output(transform="pandas").fit_transform(frame)
    pd.testing.assert_frame_equal(made, fitted.apply(frame))
    assert "Transform" in repr(pipeline)


def test_parameters():
    transform = Transform(DOCUMENT)
    other = {**DOCUMENT, "outputs": [{"name": "m", "from": "at", "steps": [{"op": "month"}]}]}
    assert transform.set_params(spec=other).columns == ["m"]
    with pytest.raises(ValueError, match="no parameter depth"):
        transform.set_params(depth=1)


def test_pickles_and_threads(frame):
    transform = Transform(DOCUMENT).fit(frame)
    expected = transform.transform(frame)
    assert (pickle.loads(pickle.dumps(transform)).transform(frame) == expected).all()
    with ThreadPoolExecutor(8) as pool:
        for made in pool.map(lambda _: transform.transform(frame), range(40)):
            assert (made == expected).all()


def run_with(frame, code):
    return subprocess.run(
        [sys.executable, "-c", "import pickle, sys\ntransform, frame = pickle.load(sys.stdin.buffer)\n" + code],
        input=pickle.dumps((Transform(DOCUMENT).fit(frame), frame)),
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)},
        capture_output=True,
        timeout=60,
        check=True,
    ).stdout.decode()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_fork_works_before_the_first_use_and_is_refused_after_it(frame):
    code = """
import os
for used in (False, True):
    if used:
        transform.transform(frame)
    child = os.fork()
    if child == 0:
        try:
            print(transform.transform(frame).shape, flush=True)
        except ValueError as error:
            print(error, flush=True)
        sys.exit(0)
    assert os.waitpid(child, 0)[1] == 0
"""
    first, second = run_with(frame, code).splitlines()
    assert first == "(20, 5)"
    assert "spawn or forkserver" in second


def test_inside_a_running_event_loop(frame):
    code = """
import asyncio

async def main():
    print(transform.transform(frame).shape, await asyncio.to_thread(lambda: transform.transform(frame).shape))

asyncio.run(main())
"""
    assert run_with(frame, code).strip() == "(20, 5) (20, 5)"


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("*.py")), ids=lambda path: path.name)
def test_python_3_9_can_read_it(path):
    ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 9))


def test_a_wheel_needs_the_engine(tmp_path):
    source = tmp_path / "python"
    shutil.copytree(ROOT / "python", source, ignore=shutil.ignore_patterns("tests", "__pycache__"))
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel"]
    subprocess.run(build, cwd=source, check=True, capture_output=True)
    (wheel,) = (source / "dist").glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {"slipway/engine.js", "slipway/py.typed", "slipway/THIRD-PARTY.txt"} <= set(names)
    (source / "src/slipway/engine.js").unlink()
    failed = subprocess.run(build, cwd=source, check=False, capture_output=True, text=True)
    assert failed.returncode != 0 and "run `npm run build`" in failed.stderr
