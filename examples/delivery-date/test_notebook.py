"""The notebook runs, reaches what the modules reach, and is committed as it ran."""

from __future__ import annotations

import copy
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from nbclient import NotebookClient

from conftest import SAMPLE_ROWS, answers_of
from delivery.features import FIELDS

NOTEBOOK = Path(__file__).resolve().parent / "notebook" / "delivery-date.ipynb"


@pytest.fixture(scope="module")
def notebook() -> nbformat.NotebookNode:
    return nbformat.read(NOTEBOOK, as_version=4)


def test_it_leaves_what_the_modules_write(
    notebook: nbformat.NotebookNode,
    sample_run: tuple[dict, Path],
    traffic: pd.DataFrame,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DELIVERY_ROWS", str(SAMPLE_ROWS))
    monkeypatch.setenv("DELIVERY_OUTPUT", str(tmp_path / "left"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    NotebookClient(
        copy.deepcopy(notebook), timeout=300, resources={"metadata": {"path": str(NOTEBOOK.parent)}}
    ).execute()
    left, written = tmp_path / "left", sample_run[1]
    texts = [path for path in written.glob("model*/*") if path.suffix in (".json", ".txt")]
    assert len(texts) == 5
    for path in texts:
        name = path.relative_to(written)
        assert (left / name).read_text(encoding="utf-8") == path.read_text(encoding="utf-8"), name
    answers = [answers_of(folder, traffic[list(FIELDS)]) for folder in (left, written)]
    np.testing.assert_array_equal(*answers)


def test_it_is_committed_as_it_ran_for_the_committed_model(notebook: nbformat.NotebookNode, metadata: dict) -> None:
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert {output.output_type for output in outputs} <= {"stream", "execute_result"}
    texts = [output.data["text/plain"] for output in outputs if output.output_type == "execute_result"]
    assert str(metadata["metrics"]) in texts
    assert len(NOTEBOOK.read_bytes()) < 50_000
