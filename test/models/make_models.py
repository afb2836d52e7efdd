"""Make small real ONNX models with the answers their own libraries give.

Every case becomes DIR/<case>/ with the model and case.json. A case is written only
after onnxruntime has agreed with the library's answers: a number x agrees with the
expected e when |x - e| <= tolerance * max(1, |e|); everything else must be equal.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import boosting_cases
import graph_cases
import mlflow_cases
import sklearn_cases
from case import Case, write_case_json
from check import check

BUILDERS: dict[str, Callable[[str], Case]] = {
    **sklearn_cases.BUILDERS,
    **boosting_cases.BUILDERS,
    **graph_cases.BUILDERS,
    **mlflow_cases.BUILDERS,
}


def make_case(name: str, out: Path) -> int:
    """Build, check and write one case; return its size in bytes."""
    case = BUILDERS[name](name)
    with tempfile.TemporaryDirectory() as temporary:
        stage = Path(temporary) / name
        stage.mkdir()
        case.save(stage)
        check(case, stage)
        write_case_json(case, stage)
        shutil.rmtree(out / name, ignore_errors=True)
        shutil.copytree(stage, out / name)
    return sum(file.stat().st_size for file in (out / name).rglob("*") if file.is_file())


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="example: python make_models.py --out fixtures --only xgboost-binary sklearn-ridge",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="directory to write into")
    parser.add_argument(
        "--only", nargs="+", choices=BUILDERS, default=list(BUILDERS), metavar="NAME",
        help=f"make only these cases: {', '.join(BUILDERS)}",
    )  # fmt: skip
    return parser.parse_args()


def main() -> None:
    """Make the chosen cases."""
    arguments = parse_arguments()
    warnings.simplefilter("ignore")
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in arguments.only:
        print(f"{name:32} {make_case(name, arguments.out):7} bytes", flush=True)


if __name__ == "__main__":
    main()
