"""Python objects out of joblib, pickle and cloudpickle files."""

from __future__ import annotations

import contextlib
import pickle
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from slipway_worker.port import MissingPackages, ModelUnreadable, missing

#: Distributions that are not called as the module is that they bring.
_DISTRIBUTIONS = {
    "sklearn": "scikit-learn",
    "skl2onnx": "skl2onnx",
    "cv2": "opencv-python",
    "yaml": "PyYAML",
    "PIL": "Pillow",
    "category_encoders": "category-encoders",
    "imblearn": "imbalanced-learn",
    "dateutil": "python-dateutil",
}


def read_pickle(file: Path) -> Any:
    """The object in a file of joblib, pickle or cloudpickle, compressed or not. Runs code of whoever wrote it."""
    with importing_from(file.parent), refusing(file.name):
        try:
            import joblib
        except ImportError:
            with file.open("rb") as opened:
                return pickle.load(opened)
        return joblib.load(file)


@contextlib.contextmanager
def importing_from(*folders: Path) -> Iterator[None]:
    """Lets modules that lie beside the model be imported, now and later."""
    for folder in folders:
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))
    yield


@contextlib.contextmanager
def refusing(name: str) -> Iterator[None]:
    """Turns what goes wrong while the file is read into a refusal that says what to do."""
    try:
        yield
    except (ModelUnreadable, MissingPackages):
        raise
    except ModuleNotFoundError as error:
        raise _module_missing(name, error) from error
    except AttributeError as error:
        if "__main__" not in str(error):
            raise ModelUnreadable(f"{name} cannot be loaded: {error}") from error
        raise ModelUnreadable(
            f"{name} needs something that was defined in a notebook or script ({error}): put it into a module "
            "(a .py file), import it from there, save the model again and keep the module beside it"
        ) from error
    except Exception as error:
        raise ModelUnreadable(f"{name} cannot be loaded: {type(error).__name__}: {error}") from error


def _module_missing(name: str, error: ModuleNotFoundError) -> Exception:
    module = (error.name or "").partition(".")[0]
    if not module:
        return ModelUnreadable(f"{name} cannot be loaded: {error}")
    if module in sys.modules or module == "numpy":
        return ModelUnreadable(
            f'{name} needs the module "{error.name}", which the installed {package_of(module)} does not have: '
            "install the version that the model was saved with"
        )
    return missing(package_of(module))


def package_of(module: str) -> str:
    """The package to install for a module."""
    return _DISTRIBUTIONS.get(module, module)


@contextlib.contextmanager
def noting_versions(notes: list[str]) -> Iterator[None]:
    """Collects what libraries say of files that another version of theirs wrote."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for warning in caught:
        text = str(warning.message).strip()
        if type(warning.message).__name__ == "InconsistentVersionWarning" or "older version of XGBoost" in text:
            line = " ".join(text.split())[:500]
            if line not in notes:
                notes.append(line)
