"""Whatever fits /openapi.json, and much that does not: no server error, and no answer that the document does not have."""

import base64
import hashlib
import hmac
import json
import time
import uuid

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from models import all_models
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from servers import slipway_server

MODEL = next(model for model in all_models() if model.name == "classifier-columns")
SECRET = "a-secret-of-the-webhook"
EXAMPLES = 12
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
ROUTES = {
    "/predict",
    "/predict/batch",
    "/feedback",
    "/models/{name}",
    "/invocations",
    "/ping",
    "/v1/models/{name}:predict",
    "/v2/models/{name}",
    "/v2/models/{name}/infer",
    "/v2/models/{name}/versions/{version}/infer",
    "/v2/repository/models/{name}/load",
    "/webhooks/mlflow",
}
"""Bodies that something does not fit."""
TYPED = {"/predict", "/predict/batch", "/invocations", "/v1/models/{name}:predict", "/v2/models/{name}/infer"}


@pytest.fixture(scope="module")
def document(tmp_path_factory):
    folder = tmp_path_factory.mktemp("openapi")
    (folder / "slipway.yaml").write_text(json.dumps({"registry": {"mlflow": {"webhook_secret": SECRET}}}))
    with slipway_server(MODEL.save(folder), folder) as url:
        yield schemathesis.openapi.from_url(url + "/openapi.json")


def test_the_document_has_every_dialect(document):
    assert ROUTES - {found.ok().path for found in document.get_all_operations()} == set()


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["what fits", "what does not"])
def test_every_answer_is_as_the_document_says(document, mode):
    operations = [found.ok() for found in document.get_all_operations()]
    names = [part for part in (operation.path.split("/") for operation in operations) if part[1] == "models" and len(part) > 3]
    served = next(part[2] for part in names if not part[2].startswith("{"))
    asked, wrong, statuses = {}, [], {}
    for operation in operations:

        @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy(generation_mode=mode), is_known=st.booleans())
        def run(case, is_known):
            known(case, served, is_known)
            headers = signed(case) if case.path == "/webhooks/mlflow" and is_known else None
            asked[case.path] = asked.get(case.path, 0) + 1
            answer = case.call_and_validate(checks=CHECKS, timeout=30, headers=headers)
            statuses.setdefault(case.path, set()).add(answer.status_code)

        try:
            run()
        except Unsatisfiable:
            continue  # there is nothing that does not fit
        except FailureGroup as failures:
            wrong.append((operation.label, [str(failure) for failure in failures.exceptions]))
    assert wrong == []
    if mode is GenerationMode.POSITIVE:
        assert [path for path in ROUTES if not {200, 400} & statuses.get(path, set())] == []
    else:
        assert TYPED - asked.keys() == set()


def known(case, served: str, is_known: bool) -> None:
    """Half of the calls are for what there is."""
    if not is_known:
        return
    for name, value in {"name": served, "version": "1", "alias": "production", "major": "1"}.items():
        if name in (case.path_parameters or {}):
            case.path_parameters[name] = value


def signed(case) -> dict[str, str]:
    """The headers of a delivery that MLflow has signed."""
    body = requests.Request(**case.as_transport_kwargs(base_url="http://localhost")).prepare().body or b""
    sent = body if isinstance(body, bytes) else body.encode()
    delivery, now = str(uuid.uuid4()), str(int(time.time()))
    digest = hmac.new(SECRET.encode(), f"{delivery}.{now}.".encode() + sent, hashlib.sha256).digest()
    return {
        "X-MLflow-Delivery-Id": delivery,
        "X-MLflow-Timestamp": now,
        "X-MLflow-Signature": f"v1,{base64.b64encode(digest).decode()}",
    }
