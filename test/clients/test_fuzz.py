"""Whatever fits KServe's own models of the V2 messages, and much that does not, on paths with and without a version.

The protocol's OpenAPI document cannot be used for that: its paths are written `${MODEL_NAME}`, and all have a version.
"""

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from kserve.protocol.rest.v2_datamodels import (
    InferenceRequest,
    InferenceResponse,
    ModelMetadataResponse,
    ModelReadyResponse,
    ServerLiveResponse,
    ServerMetadataResponse,
    ServerReadyResponse,
)
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

EXAMPLES = 40
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
REFUSAL = {"type": "object", "required": ["error"], "properties": {"error": {"type": "string", "minLength": 1}}}


def document() -> dict:
    schemas = {"Refusal": REFUSAL}

    def use(model) -> dict:
        made = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(made.pop("$defs", {}))
        schemas[model.__name__] = made
        return {"$ref": f"#/components/schemas/{model.__name__}"}

    def content(schema: dict) -> dict:
        return {"content": {"application/json": {"schema": schema}}}

    def operation(answer, refusals: list[int], versioned: bool | None = None, body=None) -> dict:
        names = {"name": ["credit", "echo", "types", "nobody"], **({"version": ["2", "9", "x"]} if versioned else {})}
        refusal = {"description": "refused", **content({"$ref": "#/components/schemas/Refusal"})}
        return {
            "parameters": [
                {"name": name, "in": "path", "required": True, "schema": {"type": "string", "enum": values}}
                for name, values in (names if versioned is not None else {}).items()
            ],
            **({"requestBody": {"required": True, **content(use(body))}} if body else {}),
            "responses": {
                "200": {"description": "answered", **content(use(answer))},
                **{str(status): refusal for status in refusals},
            },
        }

    paths = {
        "/v2": {"get": operation(ServerMetadataResponse, [])},
        "/v2/health/live": {"get": operation(ServerLiveResponse, [])},
        "/v2/health/ready": {"get": operation(ServerReadyResponse, [503])},
    }
    for versioned, path in ((False, "/v2/models/{name}"), (True, "/v2/models/{name}/versions/{version}")):
        paths[path] = {"get": operation(ModelMetadataResponse, [404], versioned)}
        paths[f"{path}/ready"] = {"get": operation(ModelReadyResponse, [404], versioned)}
        infer = operation(InferenceResponse, [400, 404, 413, 415], versioned, InferenceRequest)
        paths[f"{path}/infer"] = {"post": infer}
    return {
        "openapi": "3.1.0",
        "info": {"title": "V2", "version": "2"},
        "paths": paths,
        "components": {"schemas": schemas},
    }


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["what fits", "what does not"])
def test_every_answer_is_as_the_models_say(server, mode):
    schema = schemathesis.openapi.from_dict(document())
    asked, wrong = 0, []
    for found in schema.get_all_operations():
        operation = found.ok()
        if mode is GenerationMode.NEGATIVE and operation.method != "post":
            continue

        @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy(generation_mode=mode))
        def run(case):
            nonlocal asked
            asked += 1
            case.call_and_validate(base_url=server.url, checks=CHECKS, timeout=30)

        try:
            run()
        except FailureGroup as failures:
            wrong.append((operation.label, [str(failure) for failure in failures.exceptions]))
    assert wrong == []
    assert asked > EXAMPLES
