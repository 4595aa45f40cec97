"""Minutes that end only when their work is done."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from sandbox.local_aws import LocalAws, SandboxClock, SandboxTimeoutError
from sandbox.scenarios.provision import package_code
from sandbox.timing.clock import VirtualClock
from sandbox.timing.pacing import END_SECONDS, Pacer, Work
from tests.sandbox.timing.hands import SPEED, Hands

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def stop() -> Iterator[threading.Event]:
    """Ends what a test has started."""
    stop = threading.Event()
    yield stop
    stop.set()


def test_a_clock_stands_still_at_its_limit_and_goes_on_from_there() -> None:
    """The time for which it stood still is not made up for."""
    hands = Hands()
    clock = hands.clock()
    limit = clock.now() + 30

    clock.go_no_further_than(limit)
    hands.real += 5
    stood = clock.now()
    clock.go_no_further_than(limit + 600)
    hands.real += 1

    assert (stood, clock.now()) == (limit, limit + SPEED)


def test_a_limit_that_is_moved_in_time_changes_nothing() -> None:
    """A clock that never reached its limit has lost nothing."""
    hands = Hands()
    clock = hands.clock()
    began = clock.now()

    for limit in (60, 120, 180):
        clock.go_no_further_than(began + limit)
        hands.real += 0.5

    assert clock.now() == began + 1.5 * SPEED


def test_a_minute_waits_for_what_began_in_it(stop: threading.Event) -> None:
    """While it is under way the boundary does not come; then it does."""
    clock, work = VirtualClock(SPEED), Work()
    number = work.begin()
    Pacer(clock, [work.unfinished]).start(stop)
    boundary = (clock.minute() + 1) * 60

    time.sleep(1.5)
    held = clock.now()
    work.end(number)

    assert held == boundary - END_SECONDS
    assert clock.wait_until(boundary + 1, stop)


def test_a_minute_does_not_wait_for_what_begins_at_its_end(stop: threading.Event) -> None:
    """Work without end, of which each piece is short, holds nothing: a loop cannot stop time."""
    clock, work = VirtualClock(SPEED), Work()
    began = clock.now()

    def run_on() -> None:
        while not stop.is_set():
            with work.unit():
                time.sleep(0.05)

    for _ in range(3):
        threading.Thread(target=run_on, daemon=True).start()
    Pacer(clock, [work.unfinished], longest_hold_seconds=60.0).start(stop)
    time.sleep(2)

    assert clock.now() - began > 60


def test_what_never_ends_is_waited_for_once(stop: threading.Event) -> None:
    """A function that waits for virtual time must not stop it for good."""
    clock, work = VirtualClock(SPEED), Work()
    work.begin()
    began = clock.now()
    pacer = Pacer(clock, [work.unfinished], longest_hold_seconds=0.5)

    pacer.start(stop)
    time.sleep(3.2)

    assert clock.now() - began > 90
    assert pacer.held_seconds < 0.8


def test_real_time_is_not_held(stop: threading.Event) -> None:
    """At a speed of one the clock is the real one, whatever is unfinished."""
    clock, work = VirtualClock(1), Work()
    work.begin()

    assert Pacer(clock, [work.unfinished]).start(stop) is None
    assert abs(clock.now() - time.time()) < 1


def test_a_scheduled_function_runs_once_in_each_minute_however_slow_it_is() -> None:
    """At sixty times real time a function of a second and a half would fall behind for ever."""
    with LocalAws(speed=SPEED, worker_cap=2) as aws:
        answer = aws.client("lambda").create_function(
            FunctionName="slow",
            Runtime="python3.12",
            Role="arn:aws:iam::123456789012:role/any",
            Handler="index.handler",
            Code={
                "ZipFile": package_code("import time\ndef handler(event, context): time.sleep(1.5)")
            },
            Timeout=10,
        )
        events = aws.client("events")
        rule = events.put_rule(Name="each-minute", ScheduleExpression="rate(1 minute)")
        aws.client("lambda").add_permission(
            FunctionName="slow",
            StatementId="rule",
            Action="lambda:InvokeFunction",
            Principal="events.amazonaws.com",
            SourceArn=rule["RuleArn"],
        )
        events.put_targets(Rule="each-minute", Targets=[{"Id": "1", "Arn": answer["FunctionArn"]}])
        aws.wait_until(lambda: aws.counts().get("slow"), "the first run")
        first, began = aws.counts()["slow"], aws.clock.timestamp()

        aws.wait_minutes(4)
        runs = aws.counts()["slow"] - first
        passed = (aws.clock.timestamp() - began) / 60

    assert abs(runs - passed) <= 1


_COMES_BACK = {
    "asynchronous": """
import boto3, time
def handler(event, context):
    time.sleep(0.05)
    boto3.client("lambda").invoke(
        FunctionName="again", InvocationType="Event", Payload=b'{}'
    )
""",
    "queue": """
import boto3, time
def handler(event, context):
    time.sleep(0.05)
    boto3.client("sqs").send_message(QueueUrl=QUEUE_URL, MessageBody="again")
""",
}


@pytest.mark.parametrize("way", sorted(_COMES_BACK))
def test_what_comes_back_while_a_minute_is_held_runs_in_the_next_one(way: str) -> None:
    """A loop makes no more rounds in a minute that is held for others than in any other one."""
    with LocalAws(speed=SPEED) as aws:
        lambda_, events = aws.client("lambda"), aws.client("events")
        queue_url = aws.client("sqs").create_queue(QueueName="again")["QueueUrl"]
        codes = {
            "slow": "import time\ndef handler(event, context): time.sleep(3)",
            "again": _COMES_BACK[way].replace("QUEUE_URL", repr(queue_url)),
        }
        arns = {
            name: lambda_.create_function(
                FunctionName=name,
                Runtime="python3.12",
                Role="arn:aws:iam::123456789012:role/any",
                Handler="index.handler",
                Code={"ZipFile": package_code(code)},
                Timeout=20,
            )["FunctionArn"]
            for name, code in codes.items()
        }
        lambda_.put_function_recursion_config(FunctionName="again", RecursiveLoop="Allow")
        rule = events.put_rule(Name="each-minute", ScheduleExpression="rate(1 minute)")
        lambda_.add_permission(
            FunctionName="slow",
            StatementId="rule",
            Action="lambda:InvokeFunction",
            Principal="events.amazonaws.com",
            SourceArn=rule["RuleArn"],
        )
        events.put_targets(Rule="each-minute", Targets=[{"Id": "1", "Arn": arns["slow"]}])
        if way == "queue":
            lambda_.create_event_source_mapping(
                FunctionName="again",
                EventSourceArn="arn:aws:sqs:us-east-1:123456789012:again",
                BatchSize=1,
            )
            aws.client("sqs").send_message(QueueUrl=queue_url, MessageBody="first")
        else:
            lambda_.invoke(FunctionName="again", InvocationType="Event", Payload=b"{}")
        aws.wait_until(
            lambda: aws.counts().get("slow") and aws.counts().get("again"), "both have begun"
        )

        before, began = aws.counts()["again"], aws.clock.timestamp()
        aws.wait_minutes(3)
        rounds = aws.counts()["again"] - before
        minutes = (aws.clock.timestamp() - began) / 60

    # Each open minute lasts one second; its last round may end while it is held.
    assert 0 < rounds / (minutes + 1) <= 1 / 0.05 + 2


def test_more_callers_than_workers_all_get_their_answer() -> None:
    """What only this machine limits is waited for and no throttle, to nobody and in no metric."""
    with LocalAws(speed=SPEED, worker_cap=2) as aws:
        client = aws.client("lambda")
        client.create_function(
            FunctionName="slow",
            Runtime="python3.12",
            Role="arn:aws:iam::123456789012:role/any",
            Handler="index.handler",
            Code={
                "ZipFile": package_code("import time\ndef handler(event, context): time.sleep(1)")
            },
            Timeout=10,
        )
        most: list[int] = []

        def call(_: int) -> int:
            status: int = client.invoke(FunctionName="slow", Payload=b"{}")["StatusCode"]
            return status

        with ThreadPoolExecutor(20) as pool:
            calls = pool.map(call, range(20))
            while aws.counts().get("slow", 0) < 20:
                most.append(aws.state()["running"].get("slow", 0))
            answers = list(calls)

    assert answers == [200] * 20
    assert 1 <= max(most) <= 2


def test_a_wait_ends_when_its_virtual_minutes_are_over_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While the clock is held the time of a wait is not up, however long it takes."""
    aws, began = LocalAws(speed=SPEED), time.monotonic()
    # A machine on which minutes are four times as long.
    slow = SandboxClock(lambda: {"now": (time.monotonic() - began) * SPEED / 4})
    monkeypatch.setattr(aws, "_clock", slow)

    found = aws.wait_until(lambda: time.monotonic() - began > 0.6, "it comes late", 0.2)
    with pytest.raises(SandboxTimeoutError, match="it never comes: not within 1 s"):
        aws.wait_until(lambda: False, "it never comes", 0.2)

    assert found
    assert 1.3 < time.monotonic() - began < 10
