"""Reads one job as JSON on standard input and converts; see src/models/runtimes/python/python-converter.ts."""

from __future__ import annotations

import json
import os
import sys
import traceback
import warnings
from pathlib import Path
from typing import Any

from .packages import require, versions
from .report import Refusal, Reporter


def main() -> int:
    # Libraries print what they like: it goes to standard error.
    lines = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    reporter = Reporter(lines)
    warnings.simplefilter("ignore")
    try:
        reporter.done(convert(json.load(sys.stdin), reporter))
        return 0
    except Refusal as refusal:
        reporter.refused(refusal)
    except Exception as error:  # noqa: BLE001  whatever a converter raises is why there is no graph
        traceback.print_exc()
        reporter.refused(Refusal("failed", f"{type(error).__name__}: {' '.join(str(error).split())[:1000]}"))
    return 1


def convert(job: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    require(set())
    reporter.stage("load", f"Loading {job['entry']}")
    from .originals import open_original
    from .steps import libraries_of

    original = open_original(Path(job["directory"]), job["entry"], job.get("declared"))
    libraries = libraries_of(original.estimator)
    require(libraries)
    from .graph import Field, Wanted, to_graph
    from .probes import probes_of

    fields = [Field(each["name"], each["type"]) for each in job["fields"]]
    wanted = Wanted(job["task"], job["has_probabilities"], original.missing_text, original.rescaled)
    reporter.stage("convert", f"Converting {type(original.estimator).__name__} in {job['precision']}")
    model = to_graph(original.estimator, fields, wanted, job["precision"], libraries)
    content = model.SerializeToString()
    Path(job["output"]).write_bytes(content)
    reporter.stage("written", f"{len(model.graph.node)} nodes, {len(content)} bytes")
    return {"packages": versions(), "probes": probes_of(original.estimator, model, fields)}


if __name__ == "__main__":
    sys.exit(main())
