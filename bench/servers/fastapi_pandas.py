"""FastAPI + pandas + scikit-learn: the design that Slipway was asked to replace, one data frame for each request."""

import os
import time

import joblib
import pandas as pd
from fastapi import FastAPI

from record import Prediction, Record

model = joblib.load(os.path.join(os.environ["BENCH_MODEL"], "model.joblib"))
app = FastAPI()


@app.post("/predict", response_model=Prediction)
def predict(record: Record) -> Prediction:
    started = time.perf_counter()
    row = model.predict_proba(pd.DataFrame([record.model_dump()]))[0]
    best = row.argmax()
    return Prediction(
        prediction=str(model.classes_[best]),
        probability=float(row[best]),
        model_version="1",
        inference_time_ms=(time.perf_counter() - started) * 1000,
    )
