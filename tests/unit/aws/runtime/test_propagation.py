"""Waiting until IAM's answer follows the policy that was just deployed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.awsrequest import AWSResponse, HeadersDict
from botocore.exceptions import ClientError

from functions.aws.runtime import clients
from functions.aws.runtime.propagation import IamPropagation
from tests.unit.aws.stubs import use_any_credentials

if TYPE_CHECKING:
    from collections.abc import Iterator

DENIED = {
    "AccessDeniedException": "User: arn:aws:sts::123456789012:assumed-role/R/Loopbreaker-restore is"
    " not authorized to perform: lambda:GetAccountSettings on resource: * because no"
    " identity-based policy allows the lambda:GetAccountSettings action"
}
FOR_GOOD = {"AccessDeniedException": f"{DENIED['AccessDeniedException']} with an explicit deny"}


class Clock:
    """Seconds that pass when somebody sleeps, and the wait that goes by them."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.propagation = IamPropagation(clock=lambda: self.now)

    def sleep(self, seconds: float) -> None:
        """Let seconds pass."""
        self.now += seconds


class _Raw:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, *_: object, **__: object) -> Iterator[bytes]:
        yield self._body


class Lambda:
    """Lambda's control plane behind a real client: denies some calls, then answers."""

    def __init__(self, *denials: dict[str, str]) -> None:
        self._denials = list(denials)
        self.calls = 0

    def __call__(self, request: Any, **_: object) -> AWSResponse:
        """Botocore's event `before-send`: the answer in place of one from the network."""
        self.calls += 1
        if not self._denials:
            return _response(request.url, 200, {}, {"AccountLimit": {"ConcurrentExecutions": 7}})
        ((code, message),) = self._denials.pop(0).items()
        return _response(request.url, 403, {"x-amzn-ErrorType": code}, {"Message": message})


def _response(url: str, status: int, headers: dict[str, str], body: object) -> AWSResponse:
    as_sent: Any = HeadersDict(headers)
    return AWSResponse(url, status, as_sent, _Raw(json.dumps(body).encode()))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that botocore sleeps on; the clients know no other."""
    made = Clock()
    monkeypatch.setattr("botocore.endpoint.time.sleep", made.sleep)
    monkeypatch.setattr(clients, "PROPAGATION", made.propagation)
    use_any_credentials(monkeypatch)
    return made


def ask(api: Lambda) -> int:
    """One call of the guard, against this API."""
    client = clients.make_lambda_client()
    events: Any = client.meta.events  # its stubs say that a handler answers nothing
    events.register("before-send.lambda", api, unique_id="api")
    return client.get_account_settings()["AccountLimit"]["ConcurrentExecutions"]


def test_a_denied_call_is_tried_again_while_cloudformation_waits(clock: Clock) -> None:
    """Within the wait a denial passes unseen, whoever makes the call."""
    api = Lambda(*[DENIED] * 8)

    with clock.propagation.wait_for_propagation(120):
        concurrency = ask(api)

    assert (concurrency, api.calls) == (7, 9)
    assert 20 < clock.now - 1000 < 75


def test_waiting_ends(clock: Clock) -> None:
    """A permission that stays missing is reported after 75 seconds, in AWS's words."""
    api = Lambda(*[DENIED] * 1000)

    with (
        clock.propagation.wait_for_propagation(900),
        pytest.raises(ClientError, match="no identity-based"),
    ):
        ask(api)

    assert 65 <= clock.now - 1000 <= 75


def test_all_calls_of_a_run_share_the_wait(clock: Clock) -> None:
    """A hundred denied calls wait no longer than one."""
    with clock.propagation.wait_for_propagation(900):
        for _ in range(100):
            with pytest.raises(ClientError):
                ask(Lambda(*[DENIED] * 1000))

    assert clock.now - 1000 <= 75


@pytest.mark.thorough
@pytest.mark.parametrize(("seconds_left", "most"), [(60, 30), (31, 1), (30, 0), (0, 0)])
def test_there_is_time_left_to_answer(clock: Clock, seconds_left: float, most: float) -> None:
    """The last 30 seconds of a run are for the answer to CloudFormation."""
    with clock.propagation.wait_for_propagation(seconds_left), pytest.raises(ClientError):
        ask(Lambda(*[DENIED] * 1000))

    assert clock.now - 1000 <= most


def test_nothing_waits_outside(clock: Clock) -> None:
    """An alarm is never kept waiting: only a deployment brings new permissions."""
    api = Lambda(DENIED)
    with clock.propagation.wait_for_propagation(900):
        pass

    with pytest.raises(ClientError):
        ask(api)

    assert (api.calls, clock.now) == (1, 1000.0)


@pytest.mark.thorough
@pytest.mark.parametrize(
    "refusal",
    [FOR_GOOD, {"ResourceNotFoundException": "not there"}, {"InvalidParameterValue": "no"}],
)
def test_other_refusals_do_not_wait(clock: Clock, refusal: dict[str, str]) -> None:
    """What a policy denies by name, and what is wrong otherwise, is reported at once."""
    api = Lambda(refusal)

    with clock.propagation.wait_for_propagation(900), pytest.raises(ClientError):
        ask(api)

    assert (api.calls, clock.now) == (1, 1000.0)
