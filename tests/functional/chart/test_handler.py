"""The handler of `chart`, on a local AWS: from AWS's own event shapes to a mail."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from functions.aws.records.graph_summary import LoopBookStore
from functions.aws.records.table import Table
from functions.aws.runtime import clients
from functions.aws.runtime.clock import read_clock
from functions.chart import handler as module
from functions.chart import wiring
from functions.chart.handler import handler
from functions.chart.settings import Settings
from functions.domain.detection.evidence import LoopProof
from functions.domain.errors import UnrecognisedSignalError
from sandbox.local_aws import LocalAws
from sandbox.scenarios.provision import create_ledger, package_code
from tests.functional.lambda_context import lambda_context

if TYPE_CHECKING:
    from collections.abc import Iterator

EVENTS = Path(__file__).parents[2] / "events"
TABLE = "Loopbreaker-ledger"
ROLE = "enrich-role"
ACCOUNT = "123456789012"


class Context:
    """Lambda's context, with time left."""

    def __init__(self, request: str = "run", milliseconds: int = 900_000) -> None:
        self._told = lambda_context("Loopbreaker-chart")
        self.aws_request_id = request
        self._milliseconds = milliseconds

    def __getattr__(self, name: str) -> Any:
        return getattr(self._told, name)

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the run is ended."""
        return self._milliseconds


def _event(name: str, **detail: Any) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    loaded.get("detail", {}).update(detail)
    return loaded


def invoke(event: dict[str, Any], request: str = "run", milliseconds: int = 900_000) -> None:
    """Call the handler as Lambda does."""
    context: Any = Context(request, milliseconds)
    handler(copy.deepcopy(event), context)


TICK = _event("scheduled.chart")


@pytest.fixture(scope="module")
def local() -> Iterator[LocalAws]:
    """A local AWS of this module's own, and an environment that points to it."""
    with LocalAws() as aws, pytest.MonkeyPatch.context() as patch:
        for name, value in aws.environment().items():
            patch.setenv(name, value)
        clients.forget()
        create_ledger(aws.client("dynamodb"), TABLE)
        topic = aws.client("sns").create_topic(Name="notices")["TopicArn"]
        aws.client("sns").subscribe(TopicArn=topic, Protocol="email", Endpoint="you@example.com")
        settings = Settings(ledger_table=TABLE, notice_topic_arn=topic, stack_name="Loopbreaker")
        for name, value in settings.to_env().items():
            patch.setenv(name, value)
        wiring.connect.cache_clear()
        yield aws
        wiring.connect.cache_clear()
        clients.forget()


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> list[timedelta]:
    """How far the clock is ahead: tests that move it append."""
    ahead: list[timedelta] = []
    real = read_clock

    def now() -> datetime:
        return real() + sum(ahead, timedelta())

    monkeypatch.setattr(module, "read_clock", now)
    return ahead


def make_loop(aws: LocalAws) -> str:
    """A function, a table and a stream between them; answers the mapping's UUID."""
    table = aws.client("dynamodb").create_table(
        TableName="orders",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )["TableDescription"]
    iam = aws.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}
    role = iam.create_role(
        RoleName=ROLE,
        AssumeRolePolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [{**trust, "Action": "sts:AssumeRole"}]}
        ),
    )["Role"]["Arn"]
    write = {"Sid": "Write", "Effect": "Allow", "Action": "dynamodb:PutItem"}
    iam.put_role_policy(
        RoleName=ROLE,
        PolicyName="write",
        PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [{**write, "Resource": table["TableArn"]}]}
        ),
    )
    lambda_ = aws.client("lambda")
    lambda_.create_function(
        FunctionName="enrich",
        Runtime="python3.13",
        Role=role,
        Handler="index.handler",
        Code={"ZipFile": package_code("def handler(event, context): return None")},
    )
    mapping = lambda_.create_event_source_mapping(
        FunctionName="enrich", EventSourceArn=table["LatestStreamArn"], StartingPosition="LATEST"
    )
    return str(mapping["UUID"])


def proof(function: str) -> LoopProof:
    """What contain would read of a function."""
    book = LoopBookStore(Table(clients.make_dynamodb_client, TABLE), clock=read_clock).load()
    return LoopProof.UNKNOWN if book is None else book.proof(function)


def mails(aws: LocalAws) -> list[str]:
    """Subjects of all mail, oldest first."""
    return [one.subject for one in aws.mails()]


@pytest.mark.thorough
def test_the_story_of_a_loop(local: LocalAws, clock: list[timedelta]) -> None:
    """An account without loops; a deployment makes one; minutes later a mail tells of it, once."""
    invoke(TICK, "first")
    before = mails(local)
    uuid = make_loop(local)
    invoke(_event("cloudtrail.put_role_policy", requestParameters={"roleName": ROLE}), "a")
    invoke(
        _event(
            "cloudtrail.update_event_source_mapping",
            eventName="CreateEventSourceMapping20150331",
            responseElements={"uUID": uuid},
        ),
        "b",
    )
    invoke(
        _event(
            "cloudtrail.update_function_configuration",
            eventName="CreateFunction20150331",
            requestParameters={"functionName": "enrich"},
        ),
        "c",
    )
    invoke(TICK, "second")
    invoke(TICK, "third")
    clock.append(timedelta(hours=2))
    invoke(TICK, "light")
    clock.append(timedelta(days=2))
    invoke(TICK, "full")
    mail = local.wait_for_mail("can invoke itself")

    assert before == []
    assert mails(local) == ["[Loopbreaker] WARNING enrich can invoke itself in a loop"]
    assert "orders ─stream▶ enrich ─PutItem▶ orders" in mail.body
    assert proof("enrich") is LoopProof.CERTAIN


@pytest.mark.thorough
def test_no_time_to_read_is_no_failure(local: LocalAws, clock: list[timedelta]) -> None:
    """A run that has less time than it keeps for the end asks nothing and goes on later."""
    clock.append(timedelta(days=30))
    invoke(TICK, "short", milliseconds=1_000)
    invoke(TICK, "long")

    assert proof("enrich") is LoopProof.CERTAIN


@pytest.mark.parametrize(
    ("time", "minutes"),
    [("2026-11-23T12:07:00Z", 7), ("2026-11-23T11:00:00Z", 0), ("soon", 0), (None, 0)],
)
def test_no_reading_is_dated_before_its_event(
    monkeypatch: pytest.MonkeyPatch, time: str | None, minutes: int
) -> None:
    """An event from a clock that is ahead moves the time of day; a late or odd one does not."""
    noon = datetime(2026, 11, 23, 12, tzinfo=UTC)
    monkeypatch.setattr(module, "read_clock", lambda: noon)

    assert module.clock_for({"time": time})() - noon == timedelta(minutes=minutes)


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"source": "aws.health", "detail-type": "AWS Health Event", "detail": {}},
        _event("scheduled.pulse"),
        _event("cloudtrail.put_function_concurrency"),
    ],
)
def test_events_of_nobody_are_refused(local: LocalAws, event: dict[str, Any]) -> None:
    """What no rule of chart sends ends as a dead letter with its shape, not in silence."""
    with pytest.raises(UnrecognisedSignalError):
        invoke(event)


def test_a_denied_call_is_no_change(local: LocalAws) -> None:
    """A call that failed is not noted."""
    invoke(_event("cloudtrail.put_role_policy", errorCode="AccessDenied"), "denied")

    assert wiring.connect().store("any").read_noted() == ()
