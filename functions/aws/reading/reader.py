"""Reads an account in as few calls as tell everything that an event graph needs.

Lists of the whole account come first, and in parallel; only the resource policy takes a call for
each function. What a list does not tell is asked for each bucket, rule, subscription, pipe and
state machine, and some things only where they can matter: see `_complete`.

A reading is a set of facts that becomes complete. It may stop between any two calls, be stored,
and go on in the next run; a change is worked in by forgetting what it made untrue and completing
the facts again.
"""

from __future__ import annotations

from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any, Final

from functions.aws.observability import logger
from functions.aws.reading import events, flows, lambdas, roles, sources
from functions.aws.reading import facts as f
from functions.aws.reading.asking import OutOfTimeError
from functions.aws.reading.assembly import account_of, functions_with_urls
from functions.aws.reading.steps import Reading, one_by_one
from functions.aws.reading.updates import work_in
from functions.domain.account import Area

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from functions.aws.reading.asking import Asker
    from functions.aws.reading.changes import Change
    from functions.aws.reading.steps import SideBySide
    from functions.domain.account import Account

    Suspects = Callable[[Account], Iterable[str]]

IAM_ACTIONS: Final = (
    lambdas.IAM_ACTIONS
    | roles.IAM_ACTIONS
    | events.IAM_ACTIONS
    | sources.IAM_ACTIONS
    | flows.IAM_ACTIONS
)

_THREADS: Final = 8
_LISTS: Final = (
    lambdas.list_functions,
    lambdas.list_mappings,
    lambdas.list_tags,
    roles.list_roles,
    events.list_rules,
    events.list_schedules,
    events.list_pipes,
    sources.list_buckets,
    sources.list_subscriptions,
    sources.list_account_log_subscriptions,
    flows.list_machines,
    flows.list_streams,
)
# Two calls for each function that may be part of a loop, for so many of the functions at most.
_MOST_SUSPECTS_SHARE: Final = 0.2
_LEAST_SUSPECTS: Final = 15
# Log groups that are asked for without anything naming them.
_MOST_GROUPS_SHARE: Final = 0.1
_LEAST_GROUPS: Final = 10


def in_threads(tasks: Sequence[Callable[[], None]]) -> None:
    """Do tasks side by side, and raise the first of their errors once all are ended."""
    if len(tasks) <= 1:
        one_by_one(tasks)
        return
    with ThreadPoolExecutor(min(_THREADS, len(tasks))) as pool:
        futures = [pool.submit(task) for task in tasks]
        done, waiting = wait(futures, return_when=FIRST_EXCEPTION)
        for future in waiting:
            future.cancel()
    for future in done:
        future.result()


class AccountReader:
    """Fills facts until they are complete.

    Parameters
    ----------
    suspects
        The functions that may be part of a loop, those that matter most first: what takes further
        calls is read of these only.
    side_by_side
        How independent calls are made.
    """

    def __init__(
        self,
        asker: Asker,
        *,
        suspects: Suspects = lambda _: (),
        side_by_side: SideBySide = in_threads,
    ) -> None:
        self._asker = asker
        self._suspects = suspects
        self._side_by_side = side_by_side

    def read(self, facts: f.Facts) -> Account | None:
        """Go on until everything is read; ``None`` when the time is up before.

        Whatever AWS does not tell is a gap of the account, never an error.
        """
        reading = self._reading(facts)
        try:
            self._side_by_side([_bound(step, reading) for step in _LISTS])
            return self._complete(reading)
        except OutOfTimeError as error:
            logger.info("time is up", extra={"before": str(error)})
            return None

    def work_in(self, changes: Iterable[Change], facts: f.Facts) -> Account | None:
        """Bring complete facts up to date after changes; ``None`` when the time is up before.

        Working a change in twice is harmless: what is the case now is read.
        """
        reading = self._reading(facts)
        try:
            for change in changes:
                work_in(change, reading)
            return self._complete(reading)
        except OutOfTimeError as error:
            logger.info("time is up", extra={"before": str(error)})
            return None

    def _reading(self, facts: f.Facts) -> Reading:
        return Reading(asker=self._asker, facts=facts, side_by_side=self._side_by_side)

    def _complete(self, reading: Reading) -> Account:
        """Ask for everything that the lists call for and that was not asked for yet."""
        facts = reading.facts
        _forget_what_is_gone(facts)
        self._side_by_side(
            [
                lambda: lambdas.read_policies(reading, facts.of(f.FUNCTIONS)),
                lambda: events.read_targets(reading),
                lambda: events.read_pipes(reading),
                lambda: sources.read_buckets(reading),
                lambda: sources.read_filters(reading),
                lambda: flows.read_machines(reading),
                lambda: flows.read_streams(reading),
            ]
        )
        self._side_by_side(
            [
                lambda: lambdas.read_policies(reading, _qualified(facts)),
                lambda: sources.read_dead_letter_sources(reading, _polled_queues(facts)),
                lambda: self._complete_roles(reading),
                lambda: lambdas.read_urls(reading, functions_with_urls(facts)),
            ]
        )
        sources.read_log_subscriptions(reading, _log_groups(facts))
        account = account_of(facts)
        few = max(_LEAST_SUSPECTS, int(_MOST_SUSPECTS_SHARE * len(account.functions)))
        names = list(dict.fromkeys(self._suspects(account)))
        _bound_told(facts, Area.DESTINATIONS, "functions that may be part of a loop", names, few)
        self._side_by_side(
            [
                lambda: lambdas.read_destinations(reading, names[:few]),
                lambda: lambdas.read_recursion(reading, names[:few]),
            ]
        )
        return account_of(facts)

    def _complete_roles(self, reading: Reading) -> None:
        roles.complete(reading, _used_roles(reading.facts))
        sources.read_replications(reading)


def _bound(step: Callable[[Reading], None], reading: Reading) -> Callable[[], None]:
    return lambda: step(reading)


def _forget_what_is_gone(facts: f.Facts) -> None:
    """Details of things that the lists do not hold any more."""
    functions = facts.of(f.FUNCTIONS)
    of_functions: tuple[f.Section[Any], ...] = (f.DESTINATIONS, f.RECURSION, f.URLS, f.TAGS)
    for section in of_functions:
        facts.keep(section, functions.__contains__)
    facts.keep(f.POLICIES, lambda key: key.partition(":")[0] in functions)
    details: tuple[tuple[f.Section[Any], f.Section[Any]], ...] = (
        (f.TARGETS, f.RULES),
        (f.PIPE_DETAILS, f.PIPES),
        (f.BUCKETS, f.BUCKET_NAMES),
        (f.REPLICATIONS, f.BUCKET_NAMES),
        (f.FILTERS, f.SUBSCRIPTIONS),
        (f.MACHINES, f.MACHINE_NAMES),
        (f.STREAMS, f.STREAM_NAMES),
    )
    for section, listed in details:
        facts.keep(section, facts.of(listed).__contains__)


def _qualified(facts: f.Facts) -> list[str]:
    """The versions and aliases that a trigger names."""
    arns = [one.endpoint for one in facts.of(f.SUBSCRIPTIONS).values()]
    arns += [one.arn for targets in facts.of(f.TARGETS).values() for one in targets or ()]
    arns += [
        one.target_arn
        for bucket in facts.of(f.BUCKETS).values()
        if bucket is not None
        for one in bucket.notifications
    ]
    functions = facts.of(f.FUNCTIONS)
    return [one for one in lambdas.qualified(arns) if one.partition(":")[0] in functions]


def _polled_queues(facts: f.Facts) -> list[str]:
    """The queues that something polls: dead letters matter where they are read."""
    polled = [one.source_arn for one in facts.of(f.MAPPINGS).values()]
    polled += [one.source_arn for one in facts.of(f.PIPES).values()]
    return sorted({arn for arn in polled if arn.startswith("arn:") and arn.split(":")[2] == "sqs"})


def _used_roles(facts: f.Facts) -> list[str]:
    used = [one.role_arn for one in facts.of(f.FUNCTIONS).values()]
    used += [one.role_arn for one in facts.of(f.MACHINES).values() if one is not None]
    used += [one.role_arn for one in facts.of(f.PIPE_DETAILS).values() if one is not None]
    return [arn for arn in used if arn]


def _log_groups(facts: f.Facts) -> list[str]:
    """The log groups that may have a subscription which can be part of a loop.

    A subscription to a function needs its resource policy to admit CloudWatch Logs, and one to a
    stream needs a role that CloudWatch Logs may assume (CloudWatch Logs user guide, *Log
    group-level subscription filters*). Without either there is none, and nothing is asked.
    """
    functions = facts.of(f.FUNCTIONS)
    named: dict[str, None] = {}
    own_first: dict[str, None] = {}
    is_any = any(role is not None and "logs" in role.trusts for role in facts.of(f.ROLES).values())
    for key, text in facts.of(f.POLICIES).items():
        function = functions.get(key.partition(":")[0])
        if not text or function is None or '"logs.' not in text:
            continue
        for _, source in sources.admitted(text, frozenset({"logs"})):
            group = _group_in(source)
            if group and "*" not in group and "?" not in group:
                named[group] = None
            else:
                is_any = True
            own_first[function.log_group] = None
    if not is_any:
        return list(named)
    reads_streams = {
        _name_in(one.function_arn)
        for one in facts.of(f.MAPPINGS).values()
        if ":kinesis:" in one.source_arn
    }
    own_first.update(
        (one.log_group, None) for name, one in functions.items() if name in reads_streams
    )
    own_first.update((one.log_group, None) for one in functions.values())
    few = max(_LEAST_GROUPS, int(_MOST_GROUPS_SHARE * len(functions)))
    guessed = [group for group in own_first if group not in named]
    _bound_told(facts, Area.LOGS, "log groups that nothing names", guessed, few)
    return [*named, *guessed[:few]]


def _bound_told(facts: f.Facts, area: Area, what: str, found: Sequence[str], few: int) -> None:
    """Say so where only some of what may matter is asked for, and take it back where all is."""
    resource = f"further {what}"
    if len(found) > few:
        words = f"asked for {few} of {len(found)} {what}, to keep the number of calls low"
        facts.miss(area, words, resource=resource)
    else:
        facts.found(area, resource)


def _group_in(source: str) -> str:
    """The log group of an ARN; empty where it names none.

    ``arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/orders:*``
    """
    marker = ":log-group:"
    return source.partition(marker)[2].removesuffix(":*") if marker in source else ""


def _name_in(function_arn: str) -> str:
    """The name in a function's ARN, whatever comes after it."""
    return function_arn.partition(":function:")[2].partition(":")[0]
