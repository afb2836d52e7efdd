"""What a model asks for, and what of it is installed here."""

import importlib.metadata
import json
import subprocess
import sys
from pathlib import Path

import mlflow
import numpy
import pytest
import sklearn
from sklearn.linear_model import LinearRegression

from slipway_worker import requirements
from slipway_worker.requirements import RequirementsUnreadable, check, read_requirements

PACKAGE = Path(__file__).parents[1]


@pytest.fixture(params=["packaging", "pip", "plain"])
def parser(request, monkeypatch):
    """With packaging, with the one inside pip, and with neither."""
    if request.param != "packaging":
        monkeypatch.setitem(sys.modules, "packaging", None)
        monkeypatch.setitem(sys.modules, "packaging.requirements", None)
    if request.param == "plain":
        monkeypatch.setitem(sys.modules, "pip", None)
        monkeypatch.setitem(sys.modules, "pip._vendor", None)
        monkeypatch.setitem(sys.modules, "pip._vendor.packaging", None)
        monkeypatch.setitem(sys.modules, "pip._vendor.packaging.requirements", None)


def write(folder, **files):
    for name, text in files.items():
        (folder / name.replace("_txt", ".txt").replace("_yaml", ".yaml")).write_text(text)
    return folder


@pytest.mark.usefixtures("parser")
def test_a_file_with_everything_that_pip_takes(tmp_path):
    (tmp_path / "more").mkdir()
    write(tmp_path / "more", more_txt="joblib>=1\n-c constraints.txt\n")
    write(
        tmp_path,
        requirements_txt="# what it was trained with\n"
        "numpy>=1.20  # a comment\n"
        "-r more/more.txt\n"
        "--extra-index-url https://index.example/simple\n"
        "Scikit_Learn[alldeps] >= 1.0 \\\n    --hash=sha256:0123 \\\n    --hash=sha256:4567\n"
        'absent-one==1.0 ; python_version >= "3.0"\n'
        'absent-two==1.0 ; python_version < "3.0"\n'
        'absent-three==1.0 ; sys_platform == "win32"\n'
        "absent-four @ https://index.example/absent-four.zip\n"
        "https://index.example/five.whl\n"
        "wheels/six-1.0-py3-none-any.whl\n"
        "-e ./seven\n",
    )
    found = read_requirements(tmp_path)
    assert found.sources == ["requirements.txt", "more/more.txt"]
    assert "--extra-index-url https://index.example/simple" in found.lines
    findings = check(found.lines)
    assert [fact["package"] for fact in findings.missing] == ["absent-one", "absent-four"]
    assert findings.missing[0] == {"package": "absent-one", "wanted": "==1.0", "found": None}
    assert findings.different == []
    assert findings.unchecked == ["https://index.example/five.whl", "wheels/six-1.0-py3-none-any.whl", "-e ./seven"]


@pytest.mark.parametrize(
    ("specifier", "differs"),
    [
        ("=={0}.{1}.{2}", False),
        ("=={0}.{1}.99", False),
        ("=={0}.{1}", False),
        ("=={0}.99.0", True),
        ("==99.{1}.{2}", True),
        ("=={0}.*", False),
        ("==99.*", True),
        (">={0}", False),
        ("<{0}", True),
        (">=99", True),
        ("~={0}.{1}", False),
        ("~={0}.99", True),
        ("!={0}.{1}.{2}", True),
        (">=0.1,<99", False),
        ("", False),
    ],
)
@pytest.mark.usefixtures("parser")
def test_versions_that_differ_in_more_than_their_patch(specifier, differs):
    parts = numpy.__version__.split(".")
    findings = check([f"numpy{specifier.format(*parts)}"])
    assert findings.missing == []
    assert [fact["found"] for fact in findings.different] == ([numpy.__version__] if differs else [])


def test_packages_of_another_name_with_the_same_modules():
    findings = check([f"mlflow=={mlflow.__version__}", f"xgboost=={importlib.metadata.version('xgboost-cpu')}"])
    assert (findings.missing, findings.different) == ([], [])


def test_the_environments_that_mlflow_writes(tmp_path):
    pins = [f"scikit-learn=={sklearn.__version__}", "absent==1.0"]
    mlflow.sklearn.save_model(
        LinearRegression().fit([[0.0], [1.0]], [0, 1]), tmp_path, pip_requirements=pins, serialization_format="skops"
    )
    for name in ["requirements.txt", "python_env.yaml", "conda.yaml"]:
        found = read_requirements(tmp_path)
        assert found.sources[0] == name
        assert found.python == "{}.{}.{}".format(*sys.version_info)
        assert {line for line in found.lines if not line.startswith("mlflow")} == set(pins)
        assert [fact["package"] for fact in check(found.lines).missing] == ["absent"]
        (tmp_path / name).unlink()
        if name == "requirements.txt":
            text = (tmp_path / "python_env.yaml").read_text()
            (tmp_path / "python_env.yaml").write_text(
                text.replace("- -r requirements.txt", "\n".join(f"- {pin}" for pin in pins))
            )
    assert read_requirements(tmp_path).sources == []


def test_packages_of_conda_alone(tmp_path):
    write(
        tmp_path,
        conda_yaml="name: a\nchannels:\n  - defaults\ndependencies:\n  - python=3.9\n  - numpy=1.26\n  - pip:\n      - joblib\n      - 'absent'\n  - gcc\n",
    )
    found = read_requirements(tmp_path)
    assert (found.lines, found.of_conda, found.python) == (["joblib", "absent"], ["numpy=1.26", "gcc"], "3.9")


def test_files_that_lead_elsewhere(tmp_path):
    (tmp_path / "model").mkdir()
    write(tmp_path, secrets_txt="password")
    write(tmp_path / "model", requirements_txt="-r ../secrets.txt\n")
    with pytest.raises(RequirementsUnreadable, match="secrets.txt is not among the files of the model"):
        read_requirements(tmp_path / "model")
    write(tmp_path / "model", requirements_txt="-r requirements.txt\n-r gone.txt\n")
    with pytest.raises(RequirementsUnreadable, match="gone.txt is not among"):
        read_requirements(tmp_path / "model")


def preflight(folder) -> dict:
    command = [sys.executable, "-m", "slipway_worker.preflight", str(folder)]
    return json.loads(subprocess.run(command, cwd=PACKAGE, capture_output=True, check=True).stdout)


def test_the_report(tmp_path):
    write(tmp_path, requirements_txt="numpy==1.0\nabsent\nmlflow==1\n-e .\n", python_env_yaml="python: 3.8.1\n")
    report = preflight(tmp_path)
    assert report["missing"] == [{"package": "absent", "wanted": None, "found": None}]
    assert [fact["package"] for fact in report["different"]] == ["numpy", "mlflow"]
    assert (report["wanted_python"], report["unchecked"], report["problem"]) == ("3.8.1", ["-e ."], None)
    write(tmp_path, requirements_txt="-r gone.txt\n")
    assert preflight(tmp_path)["problem"] == "gone.txt is not among the files of the model"


def test_mlflow_is_not_missed_where_the_flavour_loads_without_it(tmp_path, monkeypatch):
    from slipway_worker.preflight import inspect

    real = requirements.importlib.metadata.version

    def without_mlflow(name):
        if name.startswith("mlflow"):
            raise importlib.metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(requirements.importlib.metadata, "version", without_mlflow)
    write(tmp_path, requirements_txt="mlflow==3.17.2\n")
    (tmp_path / "MLmodel").write_text("flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n")
    assert inspect(tmp_path)["missing"] == []
    (tmp_path / "MLmodel").write_text("flavors:\n  python_function:\n    loader_module: mlflow.pyfunc.model\n")
    assert [fact["package"] for fact in inspect(tmp_path)["missing"]] == ["mlflow"]
