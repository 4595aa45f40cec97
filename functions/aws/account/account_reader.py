"""Reads an account in the fewest calls that describe everything an event graph needs.

Lists of the whole account come first, and in parallel; only the resource policy takes a call for
each function. What a list leaves out is asked for each bucket, rule, subscription, pipe and
state machine, and some things only where they can matter: see `_read_within_budget`.

A reading is a set of facts that becomes complete. It may stop between any two calls, be stored,
and go on in the next run; a change is worked in by forgetting what it made untrue and completing
the facts again.
"""

from __future__ import annotations

import math
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any, Final

from functions.aws.account import facts as f
from functions.aws.account.apply_changes import work_in
from functions.aws.account.inventory import build_account, find_tables, list_functions_with_urls
from functions.aws.account.read_client import OutOfTimeError
from functions.aws.account.read_session import ReadSession, Variables, run_one_by_one
from functions.aws.account.services import apis, events, flows, lambdas, roles, sources
from functions.aws.runtime.observability import logger
from functions.domain.account.inventory import Area
from functions.domain.iam.raw_statements import find_admitted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from functions.aws.account.read_client import ReadClient
    from functions.aws.account.read_session import SideBySide
    from functions.domain.account.configuration_change import Change
    from functions.domain.account.inventory import Account

    Suspects = Callable[[Account], Iterable[str]]

IAM_ACTIONS: Final = (
    lambdas.IAM_ACTIONS
    | roles.IAM_ACTIONS
    | events.IAM_ACTIONS
    | sources.IAM_ACTIONS
    | flows.IAM_ACTIONS
    | apis.IAM_ACTIONS
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
    apis.list_apis,
    apis.list_rest_apis,
)
# What a whole reading may take, for each function: things that are good to know, but not needed to
# find most loops, are asked for within what is left of that.
CALLS_PER_FUNCTION: Final = 2.2
LEAST_CALLS: Final = 200
# Lists take a call for each so many entries; those without entries take one.
_PAGES: Final[tuple[tuple[tuple[f.Section[Any], ...], int], ...]] = (
    ((f.FUNCTIONS,), 50),
    ((f.MAPPINGS,), 100),
    ((f.ROLES, f.MANAGED), 100),
    ((f.SUBSCRIPTIONS,), 100),
    ((f.SCHEDULES,), 100),
    ((f.PIPES,), 100),
    ((f.API_IDS,), 100),
    ((f.REST_API_IDS,), 500),
)
_RULES_PER_PAGE: Final = 100
# Buses, buckets, machines, Firehose streams, subscriptions of all log groups, and two tags.
_OTHER_LISTS: Final = 7
_DETAILS: Final = tuple(section for section in f.SECTIONS if section.is_detail)


def in_threads(tasks: Sequence[Callable[[], None]]) -> None:
    """Do tasks side by side, and raise the first of their errors once all are ended."""
    if len(tasks) <= 1:
        run_one_by_one(tasks)
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
    variables
        What readings of this run have seen of environment variables, for the next one; ``None``
        where each sees for itself.
    """

    def __init__(
        self,
        asker: ReadClient,
        *,
        suspects: Suspects = lambda _: (),
        side_by_side: SideBySide = in_threads,
        variables: Variables | None = None,
    ) -> None:
        self._asker = asker
        self._suspects = suspects
        self._side_by_side = side_by_side
        self._variables = variables

    def read(self, facts: f.Facts) -> Account | None:
        """Go on until everything is read; ``None`` when the time is up before.

        Whatever AWS does not answer is a gap of the account, never an error.
        """
        reading = self._open_session(facts)
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
        reading = self._open_session(facts)
        try:
            for change in changes:
                work_in(change, reading)
            return self._complete(reading)
        except OutOfTimeError as error:
            logger.info("time is up", extra={"before": str(error)})
            return None

    def _open_session(self, facts: f.Facts) -> ReadSession:
        return ReadSession(
            asker=self._asker,
            facts=facts,
            side_by_side=self._side_by_side,
            variables=self._variables or Variables(),
        )

    def _complete(self, reading: ReadSession) -> Account:
        """Ask for everything that the lists call for and that was not asked for yet."""
        facts = reading.facts
        _forget_what_is_gone(facts)
        self._side_by_side(
            [
                lambda: lambdas.read_policies(reading, facts.of(f.FUNCTIONS)),
                lambda: events.read_targets(reading, _list_listening_rules(facts)),
                lambda: events.read_pipes(reading),
                lambda: sources.read_buckets(reading),
                lambda: sources.read_filters(reading),
                lambda: flows.read_machines(reading),
                lambda: flows.read_streams(reading),
            ]
        )
        self._side_by_side(
            [
                lambda: lambdas.read_policies(reading, _list_qualified(facts)),
                lambda: sources.read_queues(reading, _list_polled_queues(facts)),
                lambda: self._complete_roles(reading),
                lambda: lambdas.read_urls(reading, list_functions_with_urls(facts)),
                lambda: sources.read_log_subscriptions(reading, _list_named_groups(facts)),
            ]
        )
        return self._read_within_budget(reading)

    def _read_within_budget(self, reading: ReadSession) -> Account:
        """Ask for what is good to know too, what casts most doubt while it is not known first."""
        facts = reading.facts
        _forget_what_nothing_needs(facts)
        resources = _select_affordable(
            facts,
            Area.RESOURCE_POLICIES,
            "resources that trigger something",
            _list_triggering(facts),
            (f.RESOURCE_POLICIES,),
        )
        sources.read_resource_policies(reading, resources)
        queues = _select_affordable(
            facts,
            Area.QUEUES,
            "queues that are polled",
            _list_polled_queues(facts),
            (f.DEAD_LETTER_SOURCES,),
        )
        sources.read_dead_letter_sources(reading, queues)
        groups = _select_affordable(
            facts,
            Area.LOGS,
            "log groups that nothing names",
            _list_other_groups(facts),
            (f.LOG_SUBSCRIPTIONS,),
            kept=2 * len(facts.of(f.API_IDS)) + len(facts.of(f.REST_API_IDS)),
        )
        sources.read_log_subscriptions(reading, groups)
        lambdas.read_environments(reading)
        self._asker.check_time()  # who may be on a loop takes long to find in a large account
        named = dict.fromkeys(self._suspects(build_account(facts)))
        suspects = _select_affordable(
            facts,
            Area.DESTINATIONS,
            "functions that may be part of a loop",
            [one for one in named if one in facts.of(f.FUNCTIONS)],
            (f.DESTINATIONS, f.RECURSION),
        )
        self._side_by_side(
            [
                lambda: lambdas.read_destinations(reading, suspects),
                lambda: lambdas.read_recursion(reading, suspects),
            ]
        )
        self._read_apis(reading)
        # No gap names these: what only a clock fires is part of no loop.
        events.read_targets(reading, _select_within_reach(facts, _list_clocks(facts), (f.TARGETS,)))
        lambdas.read_environments(reading)  # with what has become known since
        return build_account(facts)

    def _read_apis(self, reading: ReadSession) -> None:
        """What the APIs lead to, with the policies of the versions and aliases among that."""
        facts = reading.facts
        http = _select_affordable(
            facts, Area.APIS, apis.APIS, list(facts.of(f.API_IDS)), (f.INTEGRATIONS, f.ROUTES)
        )
        apis.read_integrations(reading, http)
        apis.read_routes(reading, http)
        rest = _select_affordable(
            facts, Area.APIS, apis.REST_APIS, list(facts.of(f.REST_API_IDS)), (f.METHODS,)
        )
        apis.read_methods(reading, rest)
        lambdas.read_policies(reading, _list_qualified(facts))

    def _complete_roles(self, reading: ReadSession) -> None:
        roles.complete(reading, _list_used_roles(reading.facts))
        sources.read_replications(reading)


def _bound(step: Callable[[ReadSession], None], reading: ReadSession) -> Callable[[], None]:
    return lambda: step(reading)


def _forget_what_is_gone(facts: f.Facts) -> None:
    """Details of things that the lists do not hold any more."""
    functions = facts.of(f.FUNCTIONS)
    of_functions: tuple[f.Section[Any], ...] = (
        f.ENVIRONMENTS,
        f.DESTINATIONS,
        f.RECURSION,
        f.URLS,
        f.TAGS,
    )
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
        (f.INTEGRATIONS, f.API_IDS),
        (f.ROUTES, f.API_IDS),
        (f.METHODS, f.REST_API_IDS),
    )
    for section, listed in details:
        facts.keep(section, facts.of(listed).__contains__)


def _forget_what_nothing_needs(facts: f.Facts) -> None:
    """Details that only mattered to something that is gone or was changed."""
    facts.keep(f.RESOURCE_POLICIES, set(_list_triggering(facts)).__contains__)
    queues = set(_list_polled_queues(facts))
    facts.keep(f.QUEUES, queues.__contains__)
    facts.keep(f.DEAD_LETTER_SOURCES, queues.__contains__)


def _list_qualified(facts: f.Facts) -> list[str]:
    """The versions and aliases that a trigger names."""
    arns = [one.endpoint for one in facts.of(f.SUBSCRIPTIONS).values()]
    arns += [one.arn for targets in facts.of(f.TARGETS).values() for one in targets or ()]
    arns += [
        one.target_arn
        for bucket in facts.of(f.BUCKETS).values()
        if bucket is not None
        for one in bucket.notifications
    ]
    arns += [one.function_arn for some in facts.of(f.INTEGRATIONS).values() for one in some or ()]
    arns += [one.function_arn for some in facts.of(f.METHODS).values() for one in some or ()]
    functions = facts.of(f.FUNCTIONS)
    return [one for one in lambdas.list_qualified(arns) if one.partition(":")[0] in functions]


def _list_polled_queues(facts: f.Facts) -> list[str]:
    """The queues that something polls: dead letters matter where they are read."""
    polled = [one.source_arn for one in facts.of(f.MAPPINGS).values()]
    polled += [one.source_arn for one in facts.of(f.PIPES).values()]
    return sorted({arn for arn in polled if arn.startswith("arn:") and arn.split(":")[2] == "sqs"})


def _list_used_roles(facts: f.Facts) -> list[str]:
    used = [one.role_arn for one in facts.of(f.FUNCTIONS).values()]
    used += [one.role_arn for one in facts.of(f.MACHINES).values() if one is not None]
    used += [one.role_arn for one in facts.of(f.PIPE_DETAILS).values() if one is not None]
    return [arn for arn in used if arn]


def _list_named_groups(facts: f.Facts) -> list[str]:
    """The log groups that a resource policy lets invoke a function.

    A subscription to a function needs that function's policy to admit CloudWatch Logs (CloudWatch
    Logs user guide, *Log group-level subscription filters*).
    """
    groups = (_group_in(source) for _, source in _log_sources(facts))
    return [group for group in dict.fromkeys(groups) if group]


def _list_other_groups(facts: f.Facts) -> list[str]:
    """The log groups of functions, where a subscription of any may be, those that can loop first.

    That is so where a policy admits any log group, and where CloudWatch Logs may assume a role,
    which a subscription to a stream needs. Without either there is none, and nothing is asked.
    """
    functions = facts.of(f.FUNCTIONS)
    admitting = [name for name, source in _log_sources(facts) if not _group_in(source)]
    roles_ = facts.of(f.ROLES).values()
    if not admitting and not any(one is not None and "logs" in one.trusts for one in roles_):
        return []
    reads_streams = [
        _name_in(one.function_arn)
        for one in facts.of(f.MAPPINGS).values()
        if ":kinesis:" in one.source_arn
    ]
    names = dict.fromkeys((*admitting, *sorted(reads_streams), *functions))
    groups = dict.fromkeys(functions[name].log_group for name in names if name in functions)
    named = set(_list_named_groups(facts))
    return [group for group in groups if group not in named]


def _log_sources(facts: f.Facts) -> Iterable[tuple[str, str]]:
    """Each function that admits CloudWatch Logs, with the ARN of the group (or a pattern)."""
    functions = facts.of(f.FUNCTIONS)
    for key, text in facts.of(f.POLICIES).items():
        name = key.partition(":")[0]
        if text and '"logs.' in text and name in functions:
            for _, source in find_admitted(text, frozenset({"logs"})):
                yield name, source


def _list_listening_rules(facts: f.Facts) -> list[str]:
    """The rules that events fire: others cannot be part of a loop."""
    return [arn for arn, rule in facts.of(f.RULES).items() if rule.pattern]


def _list_clocks(facts: f.Facts) -> list[str]:
    return [arn for arn, rule in facts.of(f.RULES).items() if not rule.pattern]


def _list_triggering(facts: f.Facts) -> list[str]:
    """What triggers something and takes a resource policy, but for queues and buses."""
    partition = facts.partition
    found = [one.topic_arn for one in facts.of(f.SUBSCRIPTIONS).values()]
    found += [
        f"arn:{partition}:s3:::{bucket.name}"
        for bucket in facts.of(f.BUCKETS).values()
        if bucket is not None and (bucket.notifications or bucket.has_event_bridge)
    ]
    polled = [one.source_arn for one in facts.of(f.MAPPINGS).values()]
    polled += [one.source_arn for one in facts.of(f.PIPES).values()]
    found += find_tables(polled).values()
    found += [arn for arn in polled if ":kinesis:" in arn]
    place = f":{facts.region}:{facts.account}:"
    return [arn for arn in dict.fromkeys(found) if place in arn or ":s3:::" in arn]


def _select_affordable(
    facts: f.Facts,
    area: Area,
    what: str,
    found: Sequence[str],
    sections: Sequence[f.Section[Any]],
    *,
    kept: int = 0,
) -> list[str]:
    """What of this is asked for; a gap names the rest, and is taken back where there is none.

    `kept` calls are left to what comes later: there are more log groups than any budget.
    """
    asked = _select_within_reach(facts, found, sections, kept=kept)
    resource = f"further {what}"
    left = len(found) - len(asked)
    if left:
        words = f"{left} of {len(found)} {what} not asked for, to keep the number of calls low"
        facts.note_gap(area, words, resource=resource)
    else:
        facts.remove_gap(area, resource)
    return asked


def _select_within_reach(
    facts: f.Facts, found: Sequence[str], sections: Sequence[f.Section[Any]], *, kept: int = 0
) -> list[str]:
    """As many of them as the budget allows, those that were asked for already included."""
    known = [one for one in found if all(one in facts.of(section) for section in sections)]
    spent = sum(len(facts.of(section)) for section in _DETAILS) + _count_spent_on_lists(facts)
    allowed = max(LEAST_CALLS, CALLS_PER_FUNCTION * len(facts.of(f.FUNCTIONS)))
    few = max(0, int((allowed - spent - kept) / len(sections)))
    asked = set(known)
    return [*known, *[one for one in found if one not in asked][:few]]


def _count_spent_on_lists(facts: f.Facts) -> int:
    # The rules of each bus are a list of their own.
    rules = max(1, len(facts.of(f.BUS_POLICIES))) + len(facts.of(f.RULES)) // _RULES_PER_PAGE
    others = (
        max(1, math.ceil(sum(len(facts.of(one)) for one in sections) / per_page))
        for sections, per_page in _PAGES
    )
    return _OTHER_LISTS + rules + sum(others)


def _group_in(source: str) -> str:
    """The log group of an ARN; empty where it names none.

    ``arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/orders:*``
    """
    group = source.partition(":log-group:")[2].removesuffix(":*")
    return "" if "*" in group or "?" in group else group


def _name_in(function_arn: str) -> str:
    """The name in a function's ARN, whatever comes after it."""
    return function_arn.partition(":function:")[2].partition(":")[0]
