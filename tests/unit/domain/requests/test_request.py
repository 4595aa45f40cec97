"""Requests as events: what is written is read, and nothing else is."""

import copy
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.aws.incidents.way_back import HoldEnd
from functions.domain.requests.request import (
    MOST_ENTRIES,
    MOST_FUNCTIONS,
    DirectRequest,
    HistoryRequest,
    OverviewRequest,
    RehearseRequest,
    RequestError,
    RestoreRequest,
    StatusRequest,
    StopRequest,
    build_event,
    is_direct_request,
    parse_request,
)
from functions.domain.requests.terms import RestoreMode, RestoreTerms

ID: Final = "0b3d1e9a52c44b7e"
ARN: Final = "arn:aws:lambda:eu-west-1:123456789012:function:orders"
AT: Final = datetime(2026, 11, 23, 3, 15, tzinfo=UTC)
REQUESTS: Final[tuple[DirectRequest, ...]] = (
    StatusRequest(),
    StatusRequest(after="orders-20261123T031500Z"),
    HistoryRequest(),
    HistoryRequest(
        functions=("orders",), since=AT, before=AT, before_id="orders-1", limit=MOST_ENTRIES
    ),
    RestoreRequest(id=ID, functions=("orders", ARN)),
    RestoreRequest(id=ID, is_for_all=True),
    RestoreRequest(id=ID, is_for_all=True, terms=RestoreTerms(mode=RestoreMode.PROBATION)),
    RestoreRequest(id=ID, functions=("orders",), terms=RestoreTerms(is_forced=True)),
    StopRequest(id=ID, function="orders"),
    StopRequest(id=ID, function=ARN, ordered_by="arn:aws:iam::123456789012:user/anna"),
    OverviewRequest(),
    RestoreRequest(id=ID, functions=("orders",), not_after=AT),
    RestoreRequest(id=ID, is_for_all=True, not_after=AT),
    StopRequest(id=ID, function="orders", not_after=AT),
    RehearseRequest(id=ID, function="loopbreaker-DRILL-3f9a1c-sqs"),
    RehearseRequest(id=ID, function=ARN, at=AT),
)
JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(("version", "request", "id", "functions", "all", "limit", "x")),
            inner,
            max_size=5,
        )
    ),
    max_leaves=10,
)


@pytest.mark.parametrize("request_", REQUESTS)
def test_what_is_written_is_read(request_: DirectRequest) -> None:
    """A request survives the way into an event and out of it."""
    event = build_event(request_)

    assert is_direct_request(event)
    assert parse_request(event) == request_


def test_other_events_are_no_requests() -> None:
    """A schedule's event has a text under the same key, and CloudFormation's has no such key."""
    assert not is_direct_request({"loopbreaker": "end hold", "incident": "i", "function": "f"})
    assert not is_direct_request({"RequestType": "Update"})
    assert not is_direct_request(["loopbreaker"])
    assert HoldEnd(incident_id="i", function="f").to_input().startswith('{"loopbreaker": "')


def _event(**fields: Any) -> dict[str, Any]:
    return {"loopbreaker": {"version": 1, "id": ID, **fields}}


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ({}, "one key"),
        ({**build_event(StatusRequest()), "source": "aws.events"}, "one key"),
        ({"loopbreaker": {}}, "version 1, not missing"),
        ({"loopbreaker": {"version": 2, "request": "status"}}, "version 1, not 2"),
        ({"loopbreaker": {"version": True, "request": "status"}}, "version 1, not True"),
        ({"loopbreaker": {"version": 10**400, "request": "status"}}, "a very large number"),
        (_event(), "request is missing; allowed are status, history, overview, restore, stop"),
        (_event(request="kill"), "request is 'kill'"),
        (_event(request=["stop"]), "request is a list"),
        (_event(request="status"), "unknown field 'id'"),
        (_event(request="stop", function="orders", force=True), "unknown field 'force'"),
        (_event(request="stop"), "missing is not a Lambda function"),
        (_event(request="stop", function="us-east-1.edge"), "is not a Lambda function"),
        (_event(request="stop", function="a b"), "'a b' is not a Lambda function"),
        (_event(request="stop", function="x" * 301), "is not a Lambda function"),
        (_event(request="stop", function="f", ordered_by="a\nb"), "ordered_by is not a text"),
        (_event(request="stop", function="f", ordered_by="a" * 1_001), "ordered_by is not a text"),
        (_event(request="stop", function="f", id="short"), "id is 'short'"),
        (_event(request="stop", function="f", id=None), "id is missing"),
        (_event(request="rehearse"), "missing is not a Lambda function"),
        (_event(request="rehearse", function="f", at="noon"), "at is 'noon'"),
        (_event(request="rehearse", function="f", mode="observe"), "unknown field 'mode'"),
        (_event(request="restore"), "name functions, or say all"),
        (_event(request="restore", functions=["f"], all=True), "name functions, or say all"),
        (_event(request="restore", functions=["f"], all="no"), "all is 'no'"),
        (_event(request="restore", functions=["f"], mode="soon"), "mode is 'soon'; allowed is now"),
        (
            _event(request="restore", functions=["f"], force="yes"),
            "force is 'yes'; allowed is true",
        ),
        (
            _event(request="restore", functions=["f"], mode="probation", force=True),
            "a probation needs no force",
        ),
        (_event(request="restore", functions=[]), "list of 1 to 50 names"),
        (_event(request="restore", functions="orders"), "list of 1 to 50 names"),
        (_event(request="restore", functions=["f"] * (MOST_FUNCTIONS + 1)), "list of 1 to 50"),
        (_event(request="restore", functions=[{"name": "f"}]), "a dict is not a Lambda function"),
    ],
)
def test_another_shape_is_rejected_with_what_is_allowed(event: dict[str, Any], words: str) -> None:
    """The error names what was wrong."""
    with pytest.raises(RequestError) as raised:
        parse_request(event)

    assert words in str(raised.value)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"limit": 0}, "limit is 0; allowed is 1 to 100"),
        ({"limit": MOST_ENTRIES + 1}, "limit is 101"),
        ({"limit": True}, "limit is True"),
        ({"since": "yesterday"}, "since is 'yesterday'"),
        ({"since": "2026-11-23T03:15:00"}, "since is"),
        ({"before": 5}, "before is 5"),
    ],
)
def test_bounds_of_a_history_are_checked(fields: dict[str, Any], words: str) -> None:
    """A moment has a time zone, and a limit is a number that one answer can hold."""
    event = copy.deepcopy(build_event(HistoryRequest()))
    event["loopbreaker"] |= fields

    with pytest.raises(RequestError, match=words):
        parse_request(event)


@given(
    fields=st.dictionaries(
        st.sampled_from(
            ("version", "request", "id", "functions", "function", "all", "limit", "since", "after")
        ),
        JSON | st.sampled_from((1, "restore", "stop", "history", ID, "orders")),
    )
)
def test_no_event_raises_another_error(fields: dict[str, Any]) -> None:
    """Whatever somebody sends is a request or a rejection of bounded length."""
    words = ""
    try:
        parse_request({"loopbreaker": fields})
    except RequestError as error:
        words = str(error)

    assert len(words) < 500


@pytest.mark.parametrize("request_", REQUESTS)
def test_what_a_dashboard_adds_is_left_alone(request_: DirectRequest) -> None:
    """CloudWatch sends its context, and may send the parameters of the widget."""
    event = {**build_event(request_), "view": "incidents", "widgetContext": {"theme": "dark"}}

    assert parse_request(event) == request_


def test_without_the_context_nothing_else_may_stand_beside_a_request() -> None:
    """It is no dashboard that sent it."""
    with pytest.raises(RequestError, match="one key 'loopbreaker'"):
        parse_request({**build_event(StatusRequest()), "view": "incidents"})


@pytest.mark.parametrize("end", [5, "tomorrow", "2026-11-23T03:15:00", None])
def test_an_end_that_is_no_moment_is_rejected(end: Any) -> None:
    """A request that never ends is another one than was meant."""
    event = build_event(StopRequest(id=ID, function="orders"))
    event["loopbreaker"]["not_after"] = end

    with pytest.raises(RequestError, match="not_after is"):
        parse_request(event)
