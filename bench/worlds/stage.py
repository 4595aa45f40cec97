"""The guard on a local AWS: its table, its topic, its real handler, and functions to watch."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

import boto3
import numpy as np
from aws_lambda_powertools.utilities.typing import LambdaContext

from bench.measure import PROJECT, Wire
from functions.aws.runtime import clients
from functions.aws.runtime.observability import logger
from functions.contain.handler import handler
from functions.contain.settings import Settings
from functions.contain.wiring import connect
from functions.domain.incidents.policy import Policy
from sandbox.local_aws import LocalAws
from sandbox.scenarios.provision import create_ledger, package
from sandbox.settings import ACCOUNT_ID, REGION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

RUNAWAY = "enrich-order"
LEDGER = "Loopbreaker-ledger"
GUARD = "Loopbreaker-contain"
ROLE = f"arn:aws:iam::{ACCOUNT_ID}:role/any"
EVENTS = PROJECT / "tests" / "events"

RECENT_MINUTES = 180
HISTORY_DAYS = 14
AHEAD_MINUTES = 120  # for which a run may last: the seeded traffic goes on that long
RUNNING_AWAY_MINUTES = 8
RUNAWAY_RATE = 30_000.0
BUSY_RATE = 900
QUIET_RATE = 6
ACCOUNT_CONCURRENCY = 1000
_CREATORS = 4


class Stage:
    """A local AWS with a guard, for the time of a ``with`` block.

    The handler runs in this process, with the environment that the stack gives it and clients that
    go to the local AWS.
    """

    def __init__(self) -> None:
        self.aws = LocalAws(speed=1, account_limit=ACCOUNT_CONCURRENCY)
        self.wire = Wire()
        self.names: list[str] = []
        self._context = _lambda_context()
        self._left = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as entered:
            entered.enter_context(self.aws)
            topic = self._create_ledger_and_topic()
            entered.enter_context(_environment(self.aws.environment() | _guard_environment(topic)))
            entered.callback(_forget)
            entered.enter_context(_quiet_logger())
            self._begin_afresh()
            self._left = entered.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._left.close()

    def client(self, service: str) -> Any:
        """A client as boto3 makes it."""
        return boto3.session.Session().client(service)  # type: ignore[call-overload]

    def add_functions(self, count: int) -> None:
        """Create functions until there are so many, and give the new ones their history."""
        fresh = [_name(number) for number in range(len(self.names), count)]
        code = package("steady_report")
        lambda_ = self.client("lambda")

        def create(name: str) -> None:
            lambda_.create_function(
                FunctionName=name,
                Runtime="python3.12",
                Role=ROLE,
                Handler="index.handler",
                Code={"ZipFile": code},
                MemorySize=256,
                Timeout=30,
            )

        with ThreadPoolExecutor(_CREATORS) as pool:
            list(pool.map(create, fresh))
        self.names += fresh
        self.aws.seed(history(fresh), patterns=patterns())

    def restore(self) -> None:
        """Make everything as if nothing had been contained."""
        self.aws.client("lambda").delete_function_concurrency(FunctionName=RUNAWAY)
        table = self.aws.client("dynamodb")
        for item in table.scan(TableName=LEDGER)["Items"]:
            table.delete_item(TableName=LEDGER, Key={key: item[key] for key in ("pk", "sk")})

    def is_stopped(self) -> bool:
        """Whether the runaway function is throttled."""
        answer = self.aws.client("lambda").get_function_concurrency(FunctionName=RUNAWAY)
        return bool(answer.get("ReservedConcurrentExecutions") == 0)

    def handle(self, event: dict[str, Any], *, is_fresh: bool = False) -> float:
        """Hand an event to the guard; the seconds until the runaway function is stopped.

        What the guard says on its standard output is not shown.

        Parameters
        ----------
        is_fresh
            Whether the guard is to make its clients anew, within the time.
        """
        with contextlib.redirect_stdout(io.StringIO()):
            self.wire.start()
            if is_fresh:
                self._begin_afresh()
            handler(event, self._context)
        seconds = self.wire.seconds
        if seconds is None or not self.is_stopped():
            raise RuntimeError("the guard did not stop the function that runs away")
        return seconds

    def _begin_afresh(self) -> None:
        _forget()
        self.wire.watch(
            clients.make_lambda_client(),
            clients.make_cloudwatch_client(),
            clients.make_dynamodb_client(),
            clients.make_sns_client(),
            clients.make_tagging_client(),
        )

    def _create_ledger_and_topic(self) -> str:
        create_ledger(self.aws.client("dynamodb"), LEDGER)
        return str(self.aws.client("sns").create_topic(Name="Loopbreaker-notices")["TopicArn"])


def event(name: str, moment: datetime | None = None) -> dict[str, Any]:
    """A real event of the tests, as it would come now; the function it names is the runaway."""
    text = (EVENTS / f"{name}.json").read_text()
    found: dict[str, Any] = json.loads(text)
    now = moment or datetime.now(UTC)
    found["time"] = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    detail = found["detail"]
    if "state" in detail:
        detail["state"]["timestamp"] = now.strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    if "alarmContributor" in detail:
        detail["alarmContributor"]["attributes"]["FunctionName"] = RUNAWAY
    return found


def patterns() -> dict[str, list[float]]:
    """Invocations of functions that are no loops: whole numbers with days and nights."""
    draw = np.random.default_rng(20260310)
    fives = HISTORY_DAYS * 288
    hours = np.arange(fives) * 5 / 60
    day = 1 + 0.5 * np.sin(2 * np.pi * hours / 24)
    ahead = RECENT_MINUTES + AHEAD_MINUTES
    return {
        "quiet days": draw.poisson(5 * QUIET_RATE * day).astype(float).tolist(),
        "busy days": draw.poisson(5 * BUSY_RATE * day).astype(float).tolist(),
        "quiet minutes": draw.poisson(QUIET_RATE, ahead).astype(float).tolist(),
        "busy minutes": draw.poisson(BUSY_RATE, ahead).astype(float).tolist(),
    }


def history(names: Sequence[str]) -> list[dict[str, Any]]:
    """Two weeks of 5 minutes and three hours of 1 minute for each function."""
    quiet = [name for name in names if not is_busy(name)]
    busy = [name for name in names if is_busy(name) and name != RUNAWAY]
    calm = [name for name in quiet if name != RUNAWAY]
    days_ago = RECENT_MINUTES + HISTORY_DAYS * 1440
    series: list[dict[str, Any]] = [
        {"functions": quiet, "pattern": "quiet days", "minutes_ago": days_ago, "step_minutes": 5},
        {"functions": busy, "pattern": "busy days", "minutes_ago": days_ago, "step_minutes": 5},
        {"functions": calm, "pattern": "quiet minutes", "minutes_ago": RECENT_MINUTES},
        {"functions": busy, "pattern": "busy minutes", "minutes_ago": RECENT_MINUTES},
    ]
    found = [{"metric": "Invocations", **one} for one in series if one["functions"]]
    return found + (_runaway() if RUNAWAY in names else [])


def _runaway() -> list[dict[str, Any]]:
    """A loop that fills the account's concurrency within two minutes and is throttled there."""
    before = RECENT_MINUTES - RUNNING_AWAY_MINUTES
    after = RUNNING_AWAY_MINUTES - 1 + AHEAD_MINUTES
    metrics = {
        "Invocations": [6.0] * before + [RUNAWAY_RATE / 10] + [RUNAWAY_RATE] * after,
        "ConcurrentExecutions": [1.0] * before + [500.0] + [1000.0] * after,
        "Throttles": [0.0] * (before + 1) + [9000.0] * after,
        "Errors": [0.0] * (before + 1 + after),
        "Duration": [120.0] * (before + 1 + after),
    }
    return [
        {"functions": [RUNAWAY], "metric": name, "values": values, "minutes_ago": RECENT_MINUTES}
        for name, values in metrics.items()
    ]


def is_busy(name: str) -> bool:
    """Whether a function is one of the busy ones: one of a hundred."""
    return name.startswith("busy-")


def _name(number: int) -> str:
    if number == 0:
        return RUNAWAY
    return f"busy-{number}" if number % 100 == 50 else f"function-{number}"


def _guard_environment(topic: str) -> dict[str, str]:
    settings = Settings(
        ledger_table=LEDGER,
        notice_topic_arn=topic,
        stack_name="Loopbreaker",
        hold_schedules="Loopbreaker-holds",
        hold_role_arn=f"arn:aws:iam::{ACCOUNT_ID}:role/Loopbreaker-holds",
        restore_arn=f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:Loopbreaker-restore",
        undelivered_arn=f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:undelivered",
        mode="enforce",
        # To the reservation of 0 at once: a hold asks for the arrivals of an event graph first.
        response="throttle",
        floor_per_minute=Policy().floor_per_minute,
        blast_radius=3,
        exempt=(),
        own_functions=(GUARD,),
        account_concurrency=ACCOUNT_CONCURRENCY,
        sweep_minutes=15,
    )
    return {
        **settings.to_env(),
        "POWERTOOLS_SERVICE_NAME": "loopbreaker",
        "AWS_LAMBDA_FUNCTION_NAME": GUARD,
    }


def _lambda_context() -> LambdaContext:
    context = LambdaContext()
    context._function_name = GUARD  # noqa: SLF001 - it has no other way in
    context._memory_limit_in_mb = 512  # noqa: SLF001
    context._invoked_function_arn = f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{GUARD}"  # noqa: SLF001
    context._aws_request_id = "bench"  # noqa: SLF001
    return context


def _forget() -> None:
    clients.forget()
    connect.cache_clear()


@contextlib.contextmanager
def _environment(variables: Mapping[str, str]) -> Any:
    before = dict(os.environ)
    for name in [one for one in os.environ if one.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextlib.contextmanager
def _quiet_logger() -> Any:
    """Let the guard's logger write as ever, only not onto the screen."""
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123 - a device
        handlers = [one for one in logger.handlers if isinstance(one, logging.StreamHandler)]
        streams = [one.setStream(nowhere) for one in handlers]
        try:
            yield
        finally:
            for one, stream in zip(handlers, streams, strict=True):
                if stream is not None:
                    one.setStream(stream)
