"""Models that do what a model must not: `python faulty_models.py FOLDER` writes fine.pkl, faulty.pkl and absent.pkl."""

import sys
from pathlib import Path

import cloudpickle
import numpy as np


class Faulty:
    """Answers twice `x`, unless `fault` says what else to do."""

    feature_names_in_ = np.array(["x", "fault"], dtype=object)
    n_features_in_ = 2

    def predict(self, rows):
        import os
        import signal
        import time

        table = np.asarray(rows, dtype=float)
        for fault in table[:, 1]:
            if fault == 11:
                os.kill(os.getpid(), signal.SIGKILL)
            if fault == 12:
                time.sleep(600)
            if fault == 13:
                leaked = []
                while True:
                    leaked.append(np.ones(4_000_000))
            if fault == 14:
                print("x" * 100_000, flush=True)
                os.write(1, b"\x00\xff raw bytes\n")
            if fault == 15:
                import a_module_that_nobody_has  # noqa: F401
            if fault == 16:
                return table[:1, 0][:0]
            if fault == 17:
                os._exit(3)
        return table[:, 0] * 2


class Fine:
    """Answers thrice `x`."""

    feature_names_in_ = np.array(["x"], dtype=object)
    n_features_in_ = 1

    def predict(self, rows):
        return np.asarray(rows, dtype=float)[:, 0] * 3


class Absent(Fine):
    """Cannot be loaded here."""

    def __setstate__(self, state):
        import a_module_that_nobody_has  # noqa: F401

    def __getstate__(self):
        return {"state": 1}


def main(folder: Path) -> None:
    for name, model in (("faulty", Faulty()), ("fine", Fine()), ("absent", Absent())):
        (folder / f"{name}.pkl").write_bytes(cloudpickle.dumps(model))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
