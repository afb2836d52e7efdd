"""One model's life in the worker: hello, load, predict until told to stop or left alone."""

from __future__ import annotations

import gc
import importlib
import os
import platform
import time
import traceback
from array import array
from pathlib import Path

from . import limits
from .frames import Frames, ProtocolError

PROTOCOL = 1
_MESSAGE = 2_000
_TRACEBACK = 16_000
# By the type of a field: the typecode of `array`, and numpy's name.
_RAW = {
    "bool": ("B", "bool"),
    "int8": ("b", "int8"),
    "int16": ("h", "int16"),
    "int32": ("i", "int32"),
    "int64": ("q", "int64"),
    "uint8": ("B", "uint8"),
    "uint16": ("H", "uint16"),
    "uint32": ("I", "uint32"),
    "uint64": ("Q", "uint64"),
    "float16": (None, "float16"),
    "float32": ("f", "float32"),
    "float64": ("d", "float64"),
}


#: Objects made since the last collection before the next: one row through a pipeline makes thousands.
_COLLECT_AFTER = 50_000


def _settle() -> None:
    """Libraries and model are there to stay: collections of garbage need not go through them at every few rows."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER, 20, 20)


def serve(frames: Frames) -> int:
    """Answers the server until it says stop; the exit code."""
    frames.write(
        {
            "type": "hello",
            "protocol": PROTOCOL,
            "pid": os.getpid(),
            "python": platform.python_version(),
        }
    )
    order = _next(frames)
    if order["type"] == "stop":
        return 0
    if order["type"] != "load":
        raise ProtocolError(f"{order['type']} came before load")
    memory = order["limits"]["memory_bytes"]
    limits.bound_memory(memory)
    model = _load(frames, order)
    if model is None:
        return 0
    _settle()
    predicting = _Predicting(frames, model, memory)
    own = os.getpid()
    while True:
        frame = frames.read()
        if frame is None:
            limits.end_group()
        header, body = frame
        if header.get("type") == "stop":
            return 0
        if header.get("type") != "predict":
            raise ProtocolError(f"{header.get('type')} is not a message to a loaded worker")
        reply, answer = predicting.answer(header, body)
        if os.getpid() != own:
            # A model that forked and returned twice: the child is not to answer.
            os._exit(0)
        predicting.send(reply, answer)


def _next(frames: Frames) -> dict:
    frame = frames.read()
    if frame is None:
        limits.end_group()
    return frame[0]


def _load(frames: Frames, order: dict):
    """The model, or None when it cannot be loaded, which the server has then been told."""
    try:
        os.chdir(order["directory"])
        models = importlib.import_module("slipway_worker.models")
    except ModuleNotFoundError as error:
        frames.write(_absent(error))
        return None
    except Exception as error:
        frames.write(_failed("load", error))
        return None
    try:
        model = models.load(Path(order["directory"]), order["entry"], order["declared"])
        frames.write({"type": "loaded", "facts": model.facts})
        return model
    except models.MissingPackages as error:
        frames.write({**_failed("environment", error), "message": _cut(error, _MESSAGE), "missing": error.packages})
    except models.ModelUnreadable as error:
        frames.write({**_failed("load", error), "message": _cut(error, _MESSAGE)})
    except ModuleNotFoundError as error:
        frames.write(_absent(error))
    except Exception as error:
        frames.write(_failed("load", error))
    return None


class _Predicting:
    def __init__(self, frames: Frames, model, memory: int | None) -> None:
        self._frames = frames
        self._model = model
        self._memory = memory
        models = importlib.import_module("slipway_worker.models")
        self._columns_class = models.Columns
        self._output_error = models.OutputError
        try:
            self._numpy = importlib.import_module("numpy")
            self._dtypes = {name: self._numpy.dtype(dtype) for name, (_, dtype) in _RAW.items()}
        except ImportError:
            self._numpy = None

    def answer(self, header: dict, body: bytearray) -> tuple[dict, bytes]:
        """Header and body of the reply to `predict`."""
        start = time.perf_counter()
        try:
            output = self._model.predict(self._columns(header, body), header["params"])
            reply, answer = self._result(output, header["rows"])
        except self._output_error as error:
            return _error(header, error.kind, error, _cut(error, _MESSAGE)), b""
        except MemoryError as error:
            reply = _error(header, "memory", error)
            del error
            gc.collect()
            return {**reply, "exhausted": limits.is_exhausted(self._memory)}, b""
        except Exception as error:
            return _error(header, "predict", error), b""
        reply["id"] = header["id"]
        reply["ms"] = (time.perf_counter() - start) * 1000
        return reply, answer

    def send(self, reply: dict, answer: bytes) -> None:
        try:
            self._frames.write(reply, answer)
        except (TypeError, ValueError, RecursionError, ProtocolError) as error:
            self._frames.write(_error(reply, "output", error))

    def _columns(self, header: dict, body: bytearray):
        names = []
        arrays = {}
        for column in header["columns"]:
            name = column["name"]
            names.append(name)
            arrays[name] = column["values"] if "values" in column else self._raw(column, body)
        return self._columns_class(names, header["rows"], arrays)

    def _raw(self, column: dict, body: bytearray):
        begin = column["offset"]
        numpy = self._numpy
        if numpy is not None:
            kind = self._dtypes[column["type"]]
            values = numpy.frombuffer(body, kind, column["bytes"] // kind.itemsize, begin)
            shape = column.get("shape")
            return values if shape is None else values.reshape(-1, *shape)
        code, dtype = _RAW[column["type"]]
        if code is None or "shape" in column:
            raise TypeError(f'column "{column["name"]}" needs numpy, which is not installed')
        values = array(code)
        values.frombytes(memoryview(body)[begin : begin + column["bytes"]])
        return [bool(value) for value in values] if dtype == "bool" else values.tolist()

    def _result(self, output, rows: int) -> tuple[dict, bytes]:
        predictions = output.predictions
        if len(predictions) != rows:
            raise self._output_error("wrong_length", f"the model answered {len(predictions)} predictions for {rows} rows")
        if isinstance(predictions, list):
            prediction, answer = {"values": predictions}, b""
        else:
            answer = self._doubles(predictions)
            prediction = {"offset": 0, "bytes": len(answer)}
        probabilities = None
        if output.probabilities is not None:
            if len(output.probabilities) != rows:
                raise self._output_error(
                    "wrong_length", f"the model answered probabilities of {len(output.probabilities)} rows for {rows}"
                )
            matrix = self._doubles(output.probabilities)
            probabilities = {"offset": len(answer), "bytes": len(matrix), "width": len(matrix) // 8 // rows}
            answer += matrix
        return {"type": "result", "prediction": prediction, "probabilities": probabilities}, answer

    def _doubles(self, values) -> bytes:
        if self._numpy is not None:
            return self._numpy.ascontiguousarray(values, "<f8").tobytes()
        flat = [number for row in values for number in row] if values and hasattr(values[0], "__len__") else values
        return array("d", flat).tobytes()


def _failed(phase: str, error: BaseException) -> dict:
    return {
        "type": "failed",
        "phase": phase,
        "message": _describe(error),
        "traceback": _trace(error),
        "missing": [],
    }


def _absent(error: ModuleNotFoundError) -> dict:
    missing = [{"package": error.name or str(error), "wanted": None, "found": None}]
    return {**_failed("environment", error), "missing": missing}


def _error(header: dict, kind: str, error: BaseException, message: str | None = None) -> dict:
    return {
        "type": "error",
        "id": header["id"],
        "kind": kind,
        "message": message or _describe(error),
        "traceback": _trace(error),
    }


def _describe(error: BaseException) -> str:
    return f"{type(error).__name__}: {_cut(error, _MESSAGE)}"


def _trace(error: BaseException) -> str:
    try:
        return "".join(traceback.format_exception(type(error), error, error.__traceback__))[-_TRACEBACK:]
    except Exception:
        return ""


def _cut(value: object, length: int) -> str:
    """The text of anything, also of an exception whose own text cannot be made."""
    try:
        return str(value)[:length]
    except Exception:
        return "(no message)"
