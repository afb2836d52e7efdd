"""One body to both servers, and whether they answer the same."""

import json
import math
from dataclasses import dataclass

from cases import Case
from servers import call

TOLERANCE = 1e-6


@dataclass(frozen=True)
class Outcome:
    """What of an answer is compared: all of a good one, of a refusal that it is one, and of what type both are."""

    status: int
    content_type: str
    predictions: object = None
    """What is wrong with the form of a refusal; MLflow's words in it are its own affair."""
    fault: str | None = None


ERROR_CODES = {400: {"BAD_REQUEST", "INVALID_PARAMETER_VALUE"}}


def outcome_of(url: str, case: Case) -> Outcome:
    status, content_type, body = call(url + "/invocations", case.body, case.content_type)
    if status == 200:
        return Outcome(status, content_type, json.loads(body)["predictions"])
    return Outcome(status, content_type, None, fault_of(status, content_type, body))


def fault_of(status: int, content_type: str, body: bytes) -> str | None:
    if content_type != "application/json":
        return None
    error = json.loads(body)
    told = isinstance(error.get("message"), str) and error["message"] != ""
    return None if told and error.get("error_code") in ERROR_CODES.get(status, ()) else f"{status} {error}"


def differ(theirs: Outcome, ours: Outcome) -> bool:
    alike = (theirs.status, theirs.content_type) == (ours.status, ours.content_type)
    return not alike or not same(theirs.predictions, ours.predictions)


def same(theirs, ours) -> bool:
    """Equal to within TOLERANCE, relative to large numbers; what Python writes as NaN is null."""
    if isinstance(theirs, float) and math.isnan(theirs):
        return ours is None
    if isinstance(theirs, (int, float)) and isinstance(ours, (int, float)):
        if isinstance(theirs, bool) or isinstance(ours, bool):
            return theirs is ours
        return abs(theirs - ours) <= TOLERANCE * max(1, abs(theirs))
    if isinstance(theirs, list) and isinstance(ours, list):
        return len(theirs) == len(ours) and all(map(same, theirs, ours))
    if isinstance(theirs, dict) and isinstance(ours, dict):
        return theirs.keys() == ours.keys() and all(same(theirs[key], ours[key]) for key in theirs)
    return theirs == ours and type(theirs) is type(ours)
