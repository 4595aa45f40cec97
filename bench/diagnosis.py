"""The diagnosis of accounts of any size: calls and seconds of a round over all functions.

The account of `bench graph` answers within this process, and so do CloudWatch, its logs and the
simulator of policies. A clock that only the calls move, each by what AWS's rate of it allows, tells
how long a round takes: once with the chart's facts, as it is when both are deployed, and once
alone.

Not counted is what boto3 takes to send a call and read its answer.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.table import Table

from bench import measure
from bench.graph import CONTROL_PLANE_PER_SECOND
from bench.measure import Target
from bench.worlds.growth import grown
from bench.worlds.paged_account import ACCOUNT, REGION
from functions.aws.account.account_reader import AccountReader
from functions.aws.account.facts import begin
from functions.aws.account.rate_limit import ALLOWED_PER_SECOND, RateLimiter
from functions.aws.account.read_client import ReadClient
from functions.aws.account.read_session import run_one_by_one
from functions.aws.diagnosis.alarm_actions import AlarmActions
from functions.aws.diagnosis.function_details import DetailsReader
from functions.aws.diagnosis.iam_simulation import Simulator
from functions.aws.diagnosis.logs import FunctionLogs
from functions.aws.diagnosis.metrics import DiagnosisMetrics
from functions.aws.diagnosis.rule_watch import RuleTargets
from functions.aws.diagnosis.schedule_watch import Schedules
from functions.domain.diagnosis.checks.registry import examine
from functions.domain.diagnosis.collection.guard_state import GuardState
from functions.domain.diagnosis.collection.ports import Readers
from functions.workflows.diagnosis.collect_facts import FactCollector
from functions.workflows.diagnosis.triage import BATCH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from bench.worlds.paged_account import PagedAccount
    from functions.domain.account.inventory import Account

SIZES: Final = (100, 1_000, 10_000)
AT: Final = datetime(2026, 3, 10, 12, 2, tzinfo=UTC)
MOST_OWN_CALLS_PER_FUNCTION: Final = 0.5
MOST_CPU_PER_THOUSAND: Final = 2.0

# Of each thousand functions: how many are invoked, and of these how many log nothing, come close to
# their timeout, fail.
INVOKED: Final = 600
SILENT: Final = 10
SLOW: Final = 20
FAILING: Final = 30
_ALARMS_PER_FUNCTION: Final = 0.05
_ALARMS_PER_PAGE: Final = 100
_DATAPOINTS: Final = 288
_PERIOD_SECONDS: Final = 300

# Calls a second that AWS allows, beside those of `reading.pace`: CloudWatch user guide, *CloudWatch
# service quotas*; CloudWatch Logs user guide, *CloudWatch Logs quotas*. UNCONFIRMED A-056: that of
# the simulator.
RATES: Final[Mapping[str, float]] = {
    "cloudwatch.get_metric_data": 500,
    "cloudwatch.describe_alarms": 9,
    "logs.describe_log_groups": 10,
    "logs.filter_log_events": 10,
    "iam.simulate_principal_policy": 5,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """What a number of functions takes.

    Attributes
    ----------
    own_calls
        Of the diagnosis itself, by API; the chart's facts are there.
    reading_calls
        Of a full reading of the account, where there is no chart.
    own_seconds, alone_seconds
        At AWS's rates, all calls one after the other.
    metrics_asked
        What CloudWatch bills.
    """

    functions: int
    own_calls: Mapping[str, int]
    reading_calls: int
    own_seconds: float
    alone_seconds: float
    metrics_asked: int
    findings: int
    cpu_seconds: float

    @property
    def own_calls_per_function(self) -> float:
        """Calls of the diagnosis itself for each function."""
        return sum(self.own_calls.values()) / self.functions

    @property
    def alone_calls_per_function(self) -> float:
        """The same where it reads the account, too."""
        return (sum(self.own_calls.values()) + self.reading_calls) / self.functions

    @property
    def cpu_per_thousand(self) -> float:
        """CPU seconds for each thousand functions, reading not included."""
        return self.cpu_seconds / self.functions * 1000

    @property
    def usd_per_month(self) -> float:
        """What CloudWatch bills for a daily round, at $0.01 for a thousand metrics."""
        return self.metrics_asked / 1000 * 0.01 * 30

    def document(self) -> dict[str, Any]:
        """For the report."""
        return {
            **dataclasses.asdict(self),
            "own_calls_per_function": round(self.own_calls_per_function, 4),
            "alone_calls_per_function": round(self.alone_calls_per_function, 4),
            "cpu_seconds_per_1000_functions": round(self.cpu_per_thousand, 4),
            "metrics_usd_per_month": round(self.usd_per_month, 4),
        }


class Monitored:
    """What CloudWatch, its logs and the simulator tell of an account.

    Attributes
    ----------
    calls
        How often each call was made, by service and name.
    """

    def __init__(self, account: PagedAccount) -> None:
        self._account = account
        self.calls: Counter[str] = Counter()
        self.metrics_asked = 0
        names = sorted(account.functions)
        self._number = {name: number for number, name in enumerate(names)}
        # A datapoint in the middle of the day is enough for sums and percentiles.
        self._moments = [AT - timedelta(hours=12, seconds=_PERIOD_SECONDS)]

    def client(self, service: str) -> Any:
        """A client of a service."""
        return _Client(self, service)

    def answer(self, service: str, method: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """The answer of a call."""
        self.calls[f"{service}.{method}"] += 1
        own: Callable[[Mapping[str, Any]], dict[str, Any]] | None = getattr(
            self, f"_{method}", None
        )
        if own is not None:
            return own(given)
        before = Counter(self._account.calls)
        answer: dict[str, Any] = self._account.answer(service, method, given)
        self._account.calls = before
        return answer

    def pages(self, service: str, method: str) -> Iterator[dict[str, Any]]:
        """The pages of a listing."""
        count = int(len(self._number) * _ALARMS_PER_FUNCTION)
        for _ in range(max(1, -(-count // _ALARMS_PER_PAGE))):
            self.calls[f"{service}.{method}"] += 1
            yield {"MetricAlarms": []}

    def _get_metric_data(self, given: Mapping[str, Any]) -> dict[str, Any]:
        queries = given["MetricDataQueries"]
        self.metrics_asked += len(queries)
        results = []
        for query in queries:
            metric = query["MetricStat"]["Metric"]
            value = self._value(metric, query["MetricStat"]["Stat"])
            points = [] if value is None else self._moments
            results.append(
                {
                    "Id": query["Id"],
                    "StatusCode": "Complete",
                    "Timestamps": points,
                    "Values": [value] * len(points),
                }
            )
        return {"MetricDataResults": results}

    def _value(self, metric: Mapping[str, Any], statistic: str) -> float | None:
        if metric["Namespace"] == "AWS/Scheduler":
            return 5.0  # so that schedules are read, as many as ever are in a round
        owner = metric["Dimensions"][-1]["Value"].rpartition("/")[2]
        number = self._number.get(owner)
        if number is None:
            return None
        place = number * 7919 % 1000  # a prime spreads them evenly, the same each time
        if place >= INVOKED:
            return None
        match metric["MetricName"], statistic:
            case "Invocations", _:
                return 400.0
            case "Errors", _:
                return 1.0 if place < FAILING else 0.0
            case "IncomingLogEvents", _:
                return None if FAILING <= place < FAILING + SILENT else 1200.0
            case "Duration", "Maximum" | "p95":
                return 2_900.0 if place >= INVOKED - SLOW else 120.0
            case "Duration", _:
                return 100.0
            case _:
                return 0.0

    def _describe_log_groups(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return {"logGroups": [{"logGroupName": given["logGroupNamePrefix"]}]}

    def _filter_log_events(self, _given: Mapping[str, Any]) -> dict[str, Any]:
        line = (
            "REPORT RequestId: 1\tDuration: 2900.00 ms\tBilled Duration: 2900 ms\t"
            "Memory Size: 128 MB\tMax Memory Used: 60 MB\t"
        )
        return {"events": [{"message": line}] * 400}

    def _simulate_principal_policy(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "EvaluationResults": [
                {
                    "EvalActionName": action,
                    "EvalResourceName": given["ResourceArns"][0],
                    "EvalDecision": "allowed",
                }
                for action in given["ActionNames"]
            ]
        }


class _Client:
    """A client: every method is a call."""

    def __init__(self, monitored: Monitored, service: str) -> None:
        self._monitored = monitored
        self._service = service

    def __getattr__(self, method: str) -> Callable[..., Any]:
        if method == "get_paginator":
            return lambda name: _Paginator(self._monitored, self._service, name)
        return lambda **given: self._monitored.answer(self._service, method, given)


@dataclass(frozen=True, slots=True)
class _Paginator:
    monitored: Monitored
    service: str
    method: str

    def paginate(self, **_given: Any) -> Iterator[dict[str, Any]]:
        """The pages."""
        return self.monitored.pages(self.service, self.method)


def targets(sizes: Sequence[Size]) -> tuple[Target, ...]:
    """What the figures are to reach, at every size."""
    return tuple(
        target
        for one in sizes
        for target in (
            Target(
                name=f"own calls per function at {one.functions:,}",
                value=one.own_calls_per_function,
                at_most=MOST_OWN_CALLS_PER_FUNCTION,
            ),
            Target(
                name=f"CPU seconds per 1,000 functions at {one.functions:,}",
                value=one.cpu_per_thousand,
                at_most=MOST_CPU_PER_THOUSAND,
            ),
        )
    )


def measured(functions: int) -> Size:
    """A round over an account of so many functions, in this process."""
    paged = grown(functions)
    account = _read(paged)
    reading_calls = Counter(paged.calls)
    monitored = Monitored(paged)
    began = time.process_time()
    findings = sum(len(examine(facts).findings) for facts in _facts(account, monitored))
    cpu = time.process_time() - began
    own_seconds = seconds_at_aws_s_rates(monitored.calls)
    return Size(
        functions=functions,
        own_calls=dict(monitored.calls),
        reading_calls=reading_calls.total(),
        own_seconds=own_seconds,
        alone_seconds=own_seconds + reading_calls.total() / CONTROL_PLANE_PER_SECOND,
        metrics_asked=monitored.metrics_asked,
        findings=findings,
        cpu_seconds=cpu,
    )


def seconds_at_aws_s_rates(calls: Mapping[str, int]) -> float:
    """All calls one after the other, each taking its share of a second."""
    by_service = {lane.value: rate for lane, rate in ALLOWED_PER_SECOND.items()}
    return sum(
        count / RATES.get(call, by_service.get(call.partition(".")[0], CONTROL_PLANE_PER_SECOND))
        for call, count in calls.items()
    )


def _read(paged: PagedAccount) -> Account:
    reader = AccountReader(ReadClient(paged.client, RateLimiter({})), side_by_side=run_one_by_one)
    account = reader.read(begin(ACCOUNT, REGION, "aws", AT))
    if account is None:
        raise RuntimeError("the reading did not end")
    # Nothing was changed on the day that is looked at.
    functions = tuple(dataclasses.replace(one, last_modified=None) for one in account.functions)
    return dataclasses.replace(account, functions=functions)


def _facts(account: Account, monitored: Monitored) -> Iterator[Any]:
    readers = Readers(
        metrics=DiagnosisMetrics(monitored.client("cloudwatch")),
        logs=FunctionLogs(monitored.client("logs")),
        simulator=Simulator(monitored.client("iam")),
        alarms=AlarmActions(monitored.client("cloudwatch")),
        targets=RuleTargets(monitored.client("events")),
        schedules=Schedules(monitored.client("scheduler")),
        details=DetailsReader(monitored.client("lambda")),
    )
    collector = FactCollector.of(account, readers, GuardState(), AT)
    names = collector.names()
    for first in range(0, len(names), BATCH):
        yield from collector.facts(names[first : first + BATCH], AT)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write the report."""
    parser = argparse.ArgumentParser(prog="python -m bench diagnosis", description=__doc__)
    parser.add_argument("--report", type=Path, default=measure.REPORTS / "diagnosis.json")
    parser.add_argument("--sizes", type=_sizes, default=SIZES, help="such as 100,1000")
    given = parser.parse_args(arguments)
    machine = measure.machine()
    print(measure.machine_text(machine), flush=True)
    sizes = [measured(one) for one in given.sizes]
    show(sizes)
    measure.print_targets(targets(sizes))
    measure.write_report(
        given.report,
        {
            "part": "diagnosis",
            "machine": machine,
            "sizes": [one.document() for one in sizes],
            "targets": measure.targets_document(targets(sizes)),
        },
    )
    return 0


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(sorted(int(one) for one in text.split(",")))


def show(sizes: Sequence[Size]) -> None:
    """Print the table, and below it the calls of each size by API."""
    table = Table(title="A daily round over all functions")
    for name in (
        "functions",
        "own calls",
        "each",
        "s at AWS's rates",
        "each, alone",
        "s, alone",
        "CPU s/1,000",
        "metrics $/month",
        "findings",
    ):
        table.add_column(name, justify="right")
    for one in sizes:
        table.add_row(
            f"{one.functions:,}",
            f"{sum(one.own_calls.values()):,}",
            f"{one.own_calls_per_function:.2f}",
            f"{one.own_seconds:,.0f}",
            f"{one.alone_calls_per_function:.2f}",
            f"{one.alone_seconds:,.0f}",
            f"{one.cpu_per_thousand:.2f}",
            f"{one.usd_per_month:.2f}",
            f"{one.findings:,}",
        )
    measure.console().print(table)
    print("alone: with a full reading of the account, where no chart has read it before")
    for one in sizes:
        print(f"{one.functions:,}: {measure.calls_text(one.own_calls)}")


if __name__ == "__main__":
    raise SystemExit(main())
