"""Whatever fits /openapi.json, and much that does not: no server error, and no answer that the document does not have."""

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
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
EXAMPLES = 40
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture(scope="module")
def document(tmp_path_factory):
    folder = tmp_path_factory.mktemp("openapi")
    with slipway_server(MODEL.save(folder), folder) as url:
        yield schemathesis.openapi.from_url(url + "/openapi.json")


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["what fits", "what does not"])
def test_every_answer_is_as_the_document_says(document, mode):
    asked, wrong = 0, []
    for found in document.get_all_operations():
        operation = found.ok()

        @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy(generation_mode=mode))
        def run(case):
            nonlocal asked
            asked += 1
            case.call_and_validate(checks=CHECKS, timeout=30)

        try:
            run()
        except Unsatisfiable:
            continue  # there is nothing that does not fit
        except FailureGroup as failures:
            wrong.append((operation.label, [str(failure) for failure in failures.exceptions]))
    assert wrong == []
    assert asked > 10 * EXAMPLES
