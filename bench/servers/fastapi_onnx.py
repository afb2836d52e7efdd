"""FastAPI + onnxruntime: the same ONNX file as Slipway serves, one thread, run on the event loop (a run takes 50 µs)."""

import os
import time

import numpy as np
import onnxruntime
from fastapi import FastAPI

from record import NUMBERS, TEXTS, Prediction, Record

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(
    os.path.join(os.environ["BENCH_MODEL"], "model.onnx"), options, providers=["CPUExecutionProvider"]
)
CLASSES = ["high", "low", "medium"]
app = FastAPI()


@app.post("/predict", response_model=Prediction)
async def predict(record: Record) -> Prediction:
    started = time.perf_counter()
    feeds = {name: np.array([[getattr(record, name)]], dtype=np.float32) for name in NUMBERS}
    feeds |= {name: np.array([[getattr(record, name)]], dtype=object) for name in TEXTS}
    (probabilities,) = session.run(["probabilities"], feeds)
    row = probabilities[0].tolist()
    best = max(range(len(row)), key=row.__getitem__)
    return Prediction(
        prediction=CLASSES[best],
        probability=row[best],
        model_version="1",
        inference_time_ms=(time.perf_counter() - started) * 1000,
    )
