"""What the engine costs in Python: start, rows a second and memory, for 20 raw columns. ``python bench/cost.py``"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time

START = """
import time, resource
import numpy, pandas
before, memory = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
import slipway
imported = time.perf_counter()
slipway.Transform({"schema": "slipway.transform/1", "fields": [{"name": "x", "type": "number"}],
                   "outputs": [{"name": "x", "from": "x"}]})
made = time.perf_counter()
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory
print(imported - before, made - imported, grown / 1024)
"""


def document():
    numbers = [f"n{i}" for i in range(12)]
    texts = [f"s{i}" for i in range(6)]
    times = ["t0", "t1"]
    scaled = [{"op": "impute", "with": "median"}, {"op": "standardise"}]
    return {
        "schema": "slipway.transform/1",
        "fields": [
            *({"name": name, "type": "number", "required": False} for name in numbers),
            *({"name": name, "type": "string"} for name in texts),
            *({"name": name, "type": "datetime"} for name in times),
        ],
        "outputs": [
            *({"name": name, "from": name, "steps": scaled} for name in numbers),
            *({"name": name, "from": name, "steps": [{"op": "one_hot", "unknown": "zeros"}]} for name in texts[:3]),
            *({"name": name, "from": name, "steps": [{"op": "frequency"}]} for name in texts[3:]),
            *({"name": name, "from": name, "steps": [{"op": "hour"}, {"op": "cyclical", "period": 24}]} for name in times),
        ],
    }


def frame_of(rows):
    import numpy as np
    import pandas as pd

    random = np.random.default_rng(1)
    words = np.array([f"category {i}" for i in range(8)], dtype=object)
    columns = {f"n{i}": np.where(random.random(rows) < 0.1, np.nan, random.normal(size=rows)) for i in range(12)}
    columns |= {f"s{i}": random.choice(words, rows) for i in range(6)}
    columns |= {f"t{i}": (random.random(rows) * 1.7e12).astype("int64").astype("datetime64[ms]") for i in range(2)}
    return pd.DataFrame(columns)


def seconds(work, rounds=3):
    found = []
    for _ in range(rounds):
        begin = time.perf_counter()
        work()
        found.append(time.perf_counter() - begin)
    return statistics.median(found)


def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=500_000)
    rows = arguments.parse_args().rows
    starts = [
        [float(part) for part in subprocess.run([sys.executable, "-c", START], stdout=subprocess.PIPE, check=True).stdout.split()]
        for _ in range(5)
    ]
    imported, made, grown = (statistics.median(column) for column in zip(*starts))

    from slipway import Transform

    frame = frame_of(rows)
    few = frame.head(1)
    transform = Transform(document()).fit(frame.head(1000))
    before = peak_mb()
    fit = seconds(lambda: transform.fit(frame))
    after_fit = peak_mb()
    apply = seconds(lambda: transform.transform(frame))
    one = seconds(lambda: transform.transform(few), 50)
    answer = {
        "rows": rows,
        "columns": f"{len(frame.columns)} -> {len(transform.columns)}",
        "import_ms": imported * 1000,
        "engine_ms": made * 1000,
        "engine_mb": grown,
        "fit_rows_per_s": rows / fit,
        "apply_rows_per_s": rows / apply,
        "one_row_ms": one * 1000,
        "fit_extra_mb": after_fit - before,
        "result_mb": rows * len(transform.columns) * 4 / 2**20,
        "apply_extra_mb": peak_mb() - after_fit,
    }
    print(json.dumps({key: round(value, 1) if isinstance(value, float) else value for key, value in answer.items()}, indent=2))


if __name__ == "__main__":
    main()
