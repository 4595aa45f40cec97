"""How many calls a scan will make, and how long they take at their pace.

A dozen calls tell how much there is of what: counts where AWS has them, first pages of lists where
it has not. A list that goes on behind its first page is taken for as long as it usually is in an
account with so many functions. The lists go on from there, so these calls are not made twice.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from functions.aws.account import facts as f
from functions.aws.account.account_reader import CALLS_PER_FUNCTION, LEAST_CALLS, in_threads
from functions.aws.account.rate_limit import Quota, RateLimiter, compute_shared_rates
from functions.aws.account.read_client import (
    GoneError,
    NotAllowedError,
    Operation,
    OutOfTimeError,
    ReadClient,
    UnansweredError,
)
from functions.aws.account.read_session import ReadSession
from functions.aws.account.services import apis, events, flows, lambdas, sources

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from functions.aws.account.facts import Facts, Section
    from functions.aws.account.read_session import SideBySide

_GET_SETTINGS: Final = Operation(
    service="lambda",
    method="get_account_settings",
    action="lambda:GetAccountSettings",
    lane=Quota.LAMBDA,
)
_GET_SUMMARY: Final = Operation(
    service="iam", method="get_account_summary", action="iam:GetAccountSummary", lane=Quota.IAM
)
OPERATIONS: Final = (_GET_SETTINGS, _GET_SUMMARY)
IAM_ACTIONS: Final = frozenset(one.action for one in OPERATIONS)

# Each list with what it fills, and how many there usually are for one function, where the list
# goes on behind its first page.
_LISTS: Final[tuple[tuple[Callable[[ReadSession], None], Section[Any], float], ...]] = (
    (lambdas.list_mappings, f.MAPPINGS, 0.3),
    (events.list_rules, f.RULES, 0.3),
    (events.list_schedules, f.SCHEDULES, 0.1),
    (events.list_pipes, f.PIPES, 0.05),
    (sources.list_buckets, f.BUCKET_NAMES, 0.2),
    (sources.list_subscriptions, f.SUBSCRIPTIONS, 0.2),
    (flows.list_machines, f.MACHINE_NAMES, 0.1),
    (flows.list_streams, f.STREAM_NAMES, 0.05),
    (apis.list_apis, f.API_IDS, 0.1),
    (apis.list_rest_apis, f.REST_API_IDS, 0.1),
)
_PER_PAGE: Final = 100
_FUNCTIONS_PER_PAGE: Final = 50
_TAGS: Final = 2
_ROLES_OF_ONE: Final = 1.1  # roles of an account for each function, where IAM does not count them
# Functions on loops, of which two settings are read.
_ON_LOOPS: Final = 0.02
_SETTINGS_OF_ONE: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How much there is in one account and Region.

    Attributes
    ----------
    functions
        ``None`` where AWS did not say.
    refusal
        AWS's words where functions may not even be listed; empty otherwise.
    roles
        Roles and customer managed policies; 0 where they were read in another Region.
    listed
        By name of a section of the facts: its entries, estimated where the list goes on.
    long
        The sections whose lists go on behind what was seen of them.
    """

    functions: int | None
    roles: int
    listed: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    long: frozenset[str] = frozenset()
    refusal: str = ""

    def of(self, section: Section[Any]) -> int:
        """Entries of a section."""
        return self.listed.get(section.name, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a reading takes.

    Attributes
    ----------
    calls
        By what AWS counts together.
    most_calls
        What it will not exceed by much: log groups are asked for where a role lets a subscription
        of one lead anywhere, and the reading keeps a budget for each function.
    seconds, most_seconds
        At the pace of the reading.
    is_rough
        Whether AWS did not say how many functions there are, or a list goes on.
    """

    calls: Mapping[Quota, int]
    most_calls: int
    seconds: float
    most_seconds: float
    is_rough: bool = False

    @property
    def total(self) -> int:
        """All calls."""
        return sum(self.calls.values())


class _FirstPages(ReadClient):
    """Asks each question once: of every list its first page."""

    def __init__(self, client: ReadClient) -> None:
        super().__init__(lambda _: None, RateLimiter({}))
        self._asker = client
        self._asked: set[str] = set()

    def ask(self, operation: Operation, **parameters: Any) -> dict[str, Any]:
        """The answer, or `OutOfTimeError` for the next page."""
        if operation.method in self._asked:
            raise OutOfTimeError(operation.action)
        self._asked.add(operation.method)
        return self._asker.ask(operation, **parameters)


def count_resources(
    client: ReadClient,
    facts: Facts,
    *,
    has_roles: bool = False,
    side_by_side: SideBySide = in_threads,
) -> Counts:
    """Count what there is, and begin the lists of the facts.

    Parameters
    ----------
    has_roles
        Whether the facts hold the roles already, from another Region.
    """
    reading = ReadSession(asker=_FirstPages(client), facts=facts)
    long: set[str] = set()

    def begin(step: Callable[[ReadSession], None], section: Section[Any]) -> None:
        try:
            step(reading)
        except OutOfTimeError:
            long.add(section.name)

    side_by_side([_make_task(begin, step, section) for step, section, _ in _LISTS])
    functions, refusal, roles = None, "", 0
    try:
        functions, refusal = _count_functions(client, facts)
        if not has_roles:
            roles = _count_roles(client, functions)
    except OutOfTimeError:
        pass  # nothing is read any more, so the numbers do not matter
    listed = {
        section.name: max(len(facts.of(section)) + _PER_PAGE, int(usual * (functions or 0)))
        if section.name in long
        else len(facts.of(section))
        for _, section, usual in _LISTS
    }
    return Counts(
        functions=functions,
        roles=roles,
        listed=listed,
        long=frozenset(long),
        refusal=refusal,
    )


def estimate_reading(
    counts: Counts,
    facts: Facts,
    *,
    with_all_settings: bool = False,
    rates: Mapping[Quota, float] | None = None,
) -> Estimate:
    """How many calls the reading makes, with those of the counting.

    Parameters
    ----------
    facts
        As the counting left them: the first pages tell shares.
    rates
        Calls a second; ``None`` for the guard's share of AWS's rates.
    """
    functions = _FUNCTIONS_PER_PAGE if counts.functions is None else counts.functions
    phases = [_list_calls(counts, functions), _detail_calls(counts, functions, facts)]
    spent = sum(sum(one.values()) for one in phases)
    budget = max(LEAST_CALLS, int(CALLS_PER_FUNCTION * functions)) - spent
    for wanted in _wish_calls(counts, functions, facts):
        granted = _grant(wanted, max(0, budget))
        budget -= sum(granted.values())
        phases.append(granted)
    if with_all_settings:
        phases.append({Quota.LAMBDA: functions})
    limits = dict(compute_shared_rates() if rates is None else rates)
    total = sum(sum(one.values()) for one in phases)
    seconds = sum(_compute_seconds(one, limits) for one in phases)
    # Log groups come at a slow rate, and are what the rest of the budget may be spent on.
    rest = max(0, min(budget, functions))
    return Estimate(
        calls=MappingProxyType(_add_up(phases)),
        most_calls=total + rest,
        seconds=seconds,
        most_seconds=seconds + _compute_seconds({Quota.LOGS: rest}, limits),
        is_rough=counts.functions is None or bool(counts.long),
    )


def _count_functions(client: ReadClient, facts: Facts) -> tuple[int | None, str]:
    """The functions of the Region, and AWS's refusal to list them.

    ``None`` where neither a count nor one page tells the number.
    """
    try:
        usage = client.ask(_GET_SETTINGS).get("AccountUsage") or {}
        if isinstance(count := usage.get("FunctionCount"), int):
            return count, ""
    except (NotAllowedError, UnansweredError, GoneError):
        pass
    # Facts of its own: a list that was begun here would hide environment variables later.
    own = f.begin(facts.account, facts.region, facts.partition, facts.at)
    try:
        lambdas.list_functions(ReadSession(asker=_FirstPages(client), facts=own))
    except OutOfTimeError:
        return None, ""
    refusal = next((gap.words for gap in own.of(f.GAPS).values() if gap.action), "")
    return (None if own.of(f.GAPS) else len(own.of(f.FUNCTIONS))), refusal


def _count_roles(client: ReadClient, functions: int | None) -> int:
    try:
        told = client.ask(_GET_SUMMARY).get("SummaryMap") or {}
        return int(told.get("Roles", 0)) + int(told.get("Policies", 0))
    except (NotAllowedError, UnansweredError, GoneError, TypeError, ValueError):
        return math.ceil((functions or _FUNCTIONS_PER_PAGE) * _ROLES_OF_ONE)


# -- calls, phase by phase: those of one phase go out side by side


def _list_calls(counts: Counts, functions: int) -> dict[Quota, int]:
    buses = 1  # most accounts have the default one
    return {
        Quota.LAMBDA: 1 + _count_pages(functions, _FUNCTIONS_PER_PAGE) + _pages(counts, f.MAPPINGS),
        Quota.TAGS: _TAGS,
        Quota.IAM: 1 + _count_pages(counts.roles, _PER_PAGE) if counts.roles else 0,
        Quota.EVENTS: 1 + buses * _pages(counts, f.RULES),
        Quota.SCHEDULER: _pages(counts, f.SCHEDULES),
        Quota.PIPES: _pages(counts, f.PIPES),
        Quota.SNS: _pages(counts, f.SUBSCRIPTIONS),
        Quota.STATES: 1,
        Quota.FIREHOSE: 1,
        Quota.S3: 1,
        Quota.LOGS: 1,
        Quota.APIS: 1 + _pages(counts, f.API_IDS),
    }


def _detail_calls(counts: Counts, functions: int, facts: Facts) -> dict[Quota, int]:
    """What is asked in any case: one call for each thing."""
    rules = facts.of(f.RULES)
    listening = sum(bool(one.pattern) for one in rules.values())
    return {
        Quota.LAMBDA_POLICY: functions,
        Quota.EVENTS: _scale(listening, rules, counts.of(f.RULES)),
        Quota.PIPES: counts.of(f.PIPES),
        Quota.S3: counts.of(f.BUCKET_NAMES),
        Quota.SNS: counts.of(f.SUBSCRIPTIONS),
        Quota.STATES: counts.of(f.MACHINE_NAMES),
        Quota.FIREHOSE: counts.of(f.STREAM_NAMES),
        Quota.SQS: _polled(counts, facts, ":sqs:"),
    }


def _wish_calls(counts: Counts, functions: int, facts: Facts) -> Sequence[dict[Quota, int]]:
    """What is asked within the budget, in this order."""
    subscriptions, rules = facts.of(f.SUBSCRIPTIONS), facts.of(f.RULES)
    topics = len({one.topic_arn for one in subscriptions.values()})
    clocks = sum(not one.pattern for one in rules.values())
    return (
        {
            Quota.SNS: _scale(topics, subscriptions, counts.of(f.SUBSCRIPTIONS)),
            # Which buckets notify is known later: about every other does.
            Quota.S3: counts.of(f.BUCKET_NAMES) // 2,
            Quota.TABLES: _polled(counts, facts, ":dynamodb:"),
            Quota.KINESIS: _polled(counts, facts, ":kinesis:"),
        },
        {Quota.SQS: _polled(counts, facts, ":sqs:")},
        {Quota.LAMBDA: _SETTINGS_OF_ONE * math.ceil(_ON_LOOPS * functions)},
        {Quota.APIS: 2 * counts.of(f.API_IDS), Quota.API_RESOURCES: counts.of(f.REST_API_IDS)},
        {Quota.EVENTS: _scale(clocks, rules, counts.of(f.RULES))},
    )


def _grant(wanted: Mapping[Quota, int], most: int) -> dict[Quota, int]:
    """What is affordable of it."""
    granted = {}
    for lane, calls in wanted.items():
        granted[lane] = min(calls, most)
        most -= granted[lane]
    return granted


def _polled(counts: Counts, facts: Facts, service: str) -> int:
    """Distinct sources of event source mappings and pipes of a service."""
    mappings, pipes = facts.of(f.MAPPINGS), facts.of(f.PIPES)
    by_mappings = {one.source_arn for one in mappings.values() if service in one.source_arn}
    by_pipes = {one.source_arn for one in pipes.values() if service in one.source_arn}
    return _scale(len(by_mappings), mappings, counts.of(f.MAPPINGS)) + _scale(
        len(by_pipes - by_mappings), pipes, counts.of(f.PIPES)
    )


def _scale(part: int, seen: Mapping[str, Any], count: int) -> int:
    """As many of all as of what was seen."""
    return round(part * count / len(seen)) if seen else 0


def _pages(counts: Counts, section: Section[Any]) -> int:
    return _count_pages(counts.of(section), _PER_PAGE)


def _count_pages(entries: int, per_page: int) -> int:
    return max(1, math.ceil(entries / per_page))


def _add_up(phases: Sequence[Mapping[Quota, int]]) -> dict[Quota, int]:
    found: dict[Quota, int] = {}
    for lane in Quota:
        calls = sum(one.get(lane, 0) for one in phases)
        if calls:
            found[lane] = calls
    return found


def _compute_seconds(calls: Mapping[Quota, int], rates: Mapping[Quota, float]) -> float:
    """Of calls that go out side by side, each kind at its own rate."""
    return max((one / rates[lane] for lane, one in calls.items() if lane in rates), default=0.0)


def _make_task(
    begin: Callable[[Callable[[ReadSession], None], Section[Any]], None],
    step: Callable[[ReadSession], None],
    section: Section[Any],
) -> Callable[[], None]:
    return lambda: begin(step, section)
