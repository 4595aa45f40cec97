"""One question at a time: its pace, its attempts, its four ways to fail."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.parsers import ResponseParserError

from bench.worlds.paged_account import refusal
from functions.aws.account.rate_limit import Quota, RateLimiter
from functions.aws.account.read_client import (
    READS,
    GoneError,
    NotAllowedError,
    Operation,
    OutOfTimeError,
    Paging,
    ReadClient,
    StaleTokenError,
    UnansweredError,
)

GET = Operation(service="any", method="get", action="any:Get", lane=Quota.LAMBDA)
WITHOUT_REST = replace(READS, sleep=lambda _: None)


class Answers:
    """A client that gives these answers, one for each call; an error is raised."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.given: list[dict[str, Any]] = []

    def get(self, **given: Any) -> Any:
        """The next answer."""
        self.given.append(given)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def asker(client: Answers, **given: Any) -> ReadClient:
    """An asker that pauses without taking time."""
    return ReadClient(lambda _: client, RateLimiter({}), retry=WITHOUT_REST, **given)


@pytest.mark.parametrize(
    "code",
    [
        "TooManyRequestsException",
        "ThrottlingException",
        "SlowDown",
        "ServiceException",
        "Throttling",
    ],
)
def test_tries_again_what_passes(code: str) -> None:
    """Throttling and failures of AWS are tried again."""
    client = Answers(refusal(code, "Get"), refusal(code, "Get"), {"a": 1})

    assert asker(client).ask(GET, Name="x") == {"a": 1}
    assert client.given == [{"Name": "x"}] * 3


def test_gives_up_after_five_attempts() -> None:
    """Who is throttled all the time is told so in the end."""
    client = Answers(*(refusal("ThrottlingException", "Get") for _ in range(9)))
    asked = asker(client)

    with pytest.raises(UnansweredError, match="ThrottlingException"):
        asked.ask(GET)
    assert asked.calls == {"any:Get": 5}


def test_slows_down_for_the_lane_that_is_throttled() -> None:
    """After a throttled answer the lane goes at half its rate."""
    pace = RateLimiter({Quota.LAMBDA: 10, Quota.S3: 10}, sleep=lambda _: None)
    client = Answers(refusal("TooManyRequestsException", "Get"), {})
    ReadClient(lambda _: client, pace, retry=WITHOUT_REST).ask(GET)

    assert (pace.get_rate(Quota.LAMBDA), pace.get_rate(Quota.S3)) == (5, 10)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("AccessDenied", NotAllowedError),
        ("AccessDeniedException", NotAllowedError),
        ("AuthorizationError", NotAllowedError),
        ("KmsAccessDeniedException", NotAllowedError),
        ("UnauthorizedOperation", NotAllowedError),
        ("ResourceNotFoundException", GoneError),
        ("NoSuchBucket", GoneError),
        ("NoSuchEntity", GoneError),
        ("NotFound", GoneError),
        ("StateMachineDoesNotExist", GoneError),
        ("AWS.SimpleQueueService.NonExistentQueue", GoneError),
        ("ReplicationConfigurationNotFoundError", GoneError),
        ("ValidationException", UnansweredError),
    ],
)
def test_tells_errors_apart_at_once(code: str, error: type[Exception]) -> None:
    """What no attempt can change is not tried again."""
    client = Answers(refusal(code, "Get"))

    with pytest.raises(error, match=code.rpartition(".")[2]):
        asker(client).ask(GET)


def test_names_the_action_that_is_missing() -> None:
    """Whoever reads the notice knows what to allow."""
    with pytest.raises(NotAllowedError) as raised:
        asker(Answers(refusal("AccessDenied", "Get"))).ask(GET)

    assert raised.value.action == "any:Get"


def test_a_service_that_the_region_lacks_is_unanswered() -> None:
    """A connection that cannot be made is no crash."""
    gone = EndpointConnectionError(endpoint_url="https://pipes.xy.amazonaws.com")
    client = Answers(*(gone for _ in range(9)))

    with pytest.raises(UnansweredError, match="Could not connect"):
        asker(client).ask(GET)


def test_a_page_that_is_no_answer_is_unanswered() -> None:
    """What a proxy says in AWS's place is no crash either, and may be otherwise a moment later."""
    page = ResponseParserError("Unable to parse response, invalid XML received: <html>")

    assert asker(Answers(page, {"Name": "a"})).ask(GET) == {"Name": "a"}
    with pytest.raises(UnansweredError, match="invalid XML"):
        asker(Answers(*(page for _ in range(9)))).ask(GET)


def test_asks_nothing_once_the_time_is_up() -> None:
    """A run that must end asks no further question."""
    client = Answers({})

    with pytest.raises(OutOfTimeError):
        asker(client, is_time_up=lambda: True).ask(GET)
    assert client.given == []


def test_follows_pages_to_the_last() -> None:
    """Each page comes with the token of the next; the last with none."""
    client = Answers({"n": 1, "NextToken": "a"}, {"n": 2, "NextToken": "b"}, {"n": 3})
    pages = list(asker(client).read_pages(GET, Paging()))

    assert [(page["n"], token) for page, token in pages] == [(1, "a"), (2, "b"), (3, "")]
    assert client.given == [{}, {"NextToken": "a"}, {"NextToken": "b"}]


def test_stops_at_a_token_that_comes_again() -> None:
    """A service that never ends its list is not asked for ever."""
    client = Answers({"NextToken": "a"}, {"NextToken": "a"}, {"NextToken": "a"})

    assert len(list(asker(client).read_pages(GET, Paging()))) == 2


def test_a_token_that_is_not_taken_any_more() -> None:
    """A listing that cannot go on says so, to begin again."""
    client = Answers(refusal("InvalidNextTokenException", "Get"))

    with pytest.raises(StaleTokenError):
        list(asker(client).read_pages(GET, Paging(), start="old"))
