"""The same model and the same bodies for `mlflow models serve` and Slipway: status and predictions must be equal."""

import json
import re
from dataclasses import replace

import pandas as pd
import pytest
from cases import Case, cases_of
from compare import differ, outcome_of, same
from differences import BODIES, DIFFERENCES
from mlflow.pyfunc.scoring_server.client import ScoringServerClient
from models import all_models
from servers import call, mlflow_server, slipway_server

MODELS = {model.name: model for model in all_models()}
FEWEST = 60


@pytest.fixture(scope="module", params=MODELS, ids=str)
def served(request, tmp_path_factory):
    """A model, and the addresses of MLflow and of Slipway serving it."""
    model = MODELS[request.param]
    folder = tmp_path_factory.mktemp(model.name)
    saved = model.save(folder)
    with mlflow_server(saved) as theirs, slipway_server(saved, folder) as ours:
        yield model, theirs, ours


def test_every_body_is_answered_alike_but_for_documented_differences(served):
    model, theirs, ours = served
    cases = cases_of(model)
    assert len(cases) >= FEWEST
    wrong, seen = [], set()
    for case in cases:
        expected, got = outcome_of(theirs, case), outcome_of(ours, case)
        named = [difference for difference in DIFFERENCES if difference.covers(model.name, case.name)]
        if got.fault:
            wrong.append(f"{case.name}: {got.fault}")
        if not differ(expected, got):
            if all(difference.is_whole for difference in named):
                wrong += [f"{case.name}: {difference.name} is no difference any more" for difference in named]
        elif (expected.status, got.status) not in [difference.statuses for difference in named]:
            wrong.append(f"{case.name}: MLflow {expected}, Slipway {got}")
        else:
            seen.update(difference.name for difference in named)
    assert (wrong, due(model.name, cases) - seen) == ([], set())


def due(model: str, cases: list[Case]) -> set[str]:
    """The differences that these bodies must show; where MLflow refuses everything, only that one."""
    names = set()
    for case in cases:
        named = [difference for difference in DIFFERENCES if difference.covers(model, case.name)]
        everything = [difference for difference in named if not difference.is_whole]
        names |= {difference.name for difference in everything or named}
    return names


def test_refusals_say_what_mlflow_says(served):
    model, theirs, ours = served
    for body, fragment in (
        (b"[1]", "The input must be a JSON dictionary with exactly one of the input fields"),
        (b"{}", "The input must be a JSON dictionary with exactly one of the input fields"),
        (b'{"dataframe_split": []}', "Dataframe split format must be a dictionary. Got list"),
        (b'{"dataframe_split": {}}', "Dataframe split format must have 'data' field"),
        (b'{"dataframe_records": {}}', "Dataframe records format must be a list of records. Got dictionary."),
    ):
        for url in (theirs, ours):
            status, content_type, answer = call(url + "/invocations", body, "application/json")
            assert (status, content_type) == (400, "application/json")
            error = json.loads(answer)
            assert error["error_code"] == "BAD_REQUEST"
            assert fragment in error["message"]


def test_other_content_types_are_refused_in_plain_text(served):
    _, theirs, ours = served
    for content_type, fragment in (
        ("text/plain", b"This predictor only supports the following content types"),
        ("text/csv; charset=latin-1", b"The scoring server only supports UTF-8"),
        ("application/json; format=pandas-split", b"Unrecognized content type parameters: format."),
    ):
        for url in (theirs, ours):
            status, got, answer = call(url + "/invocations", b"{}", content_type)
            assert (status, got) == (415, "text/plain; charset=utf-8")
            assert fragment in answer


def test_ping_version_and_health(served):
    _, theirs, ours = served
    for path in ("/ping", "/version"):
        assert call(ours + path) == call(theirs + path)
    assert [call(url + "/health")[0] for url in (theirs, ours)] == [200, 200]


def test_mlflows_own_client(served):
    model, theirs, ours = served
    answers = []
    for url in (theirs, ours):
        host, port = url.removeprefix("http://").split(":")
        client = ScoringServerClient(host, int(port))
        client.ping()
        client.wait_server_ready(timeout=10)
        assert re.fullmatch(r"3\.\d+\.\d+", client.get_version())
        frame = pd.DataFrame(model.rows)
        try:
            answers.append(json.loads(client.invoke(frame, params={"unknown": 1}).to_json())["predictions"])
        except Exception as refused:
            assert "matrix-columns" == model.name and url == theirs, refused
    if len(answers) == 2:
        assert same(*answers)


def test_each_row_of_the_page_has_its_bodies_and_each_body_its_row():
    assert [difference.name for difference in DIFFERENCES] == list(BODIES)
    everything = [(model.name, case.name) for model in MODELS.values() for case in cases_of(model)]
    for difference in DIFFERENCES:
        for pattern in difference.bodies:
            only = replace(difference, bodies=(pattern,))
            assert any(only.covers(*each) for each in everything), f"{difference.name}: {pattern}"
