"""The request and the answer of both FastAPI servers: one flat object of 20 raw columns, checked by pydantic."""

from pydantic import BaseModel, ConfigDict, create_model

NUMBERS = [f"n{i}" for i in range(15)]
TEXTS = ["colour", "region", "plan", "day", "channel"]

Record = create_model(
    "Record",
    __config__=ConfigDict(extra="forbid"),
    **{name: (float, ...) for name in NUMBERS},
    **{name: (str, ...) for name in TEXTS},
)


class Prediction(BaseModel):
    model_config = ConfigDict(protected_namespaces=())

    prediction: str
    probability: float
    model_version: str
    inference_time_ms: float
