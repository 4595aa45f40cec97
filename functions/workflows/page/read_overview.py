"""Reads the page of the guard, part by part: what does not answer is said, and hides nothing else.

Nothing is written, and nothing is asked of the functions that the guard watches.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from functions.domain.account.names import InvalidFunctionReferenceError, parse_function_name
from functions.domain.deployment.guard_cost import GuardCost, guard_cost
from functions.domain.detection.evidence import LoopProof
from functions.domain.diagnosis.remediation import IN_FORCE_STATES
from functions.domain.errors import LoopbreakerError
from functions.domain.graph.ports import LoopBooks
from functions.domain.graph.summary import LoopBook
from functions.domain.incidents.history import FILED_KEPT
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.states import HELD_STATES
from functions.domain.incidents.tags.snapshot import SNAPSHOT_TAG
from functions.domain.notices.text import clean
from functions.domain.page.overview import (
    MOST_CARDS,
    MOST_ENDED,
    MOST_FINDINGS,
    MOST_LOOPS,
    MOST_NAMES,
    MOST_ROWS,
    FindingsPart,
    GraphPart,
    GuardAlarm,
    HealthPart,
    HistoryPart,
    IncidentsPart,
    KnownLoop,
    NamedNumber,
    Overview,
    ShownIncident,
    ShownTraffic,
    UnreadPart,
    View,
)
from functions.domain.page.ports import (
    FindingReader,
    GuardActivity,
    GuardStateReader,
    LedgerReader,
    PageMetrics,
)
from functions.domain.page.timeline import choose_window, count_days, list_moments
from functions.domain.requests.summary import (
    summarize_ended,
    summarize_finding,
    summarize_open,
    summarize_remedy,
)

ALL_VIEWS: Final = frozenset(View)
_A_MOMENT: Final = timedelta(microseconds=1)
_LONGEST_WHY: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardIdentity:
    """The names of the guard functions.

    Attributes
    ----------
    functions
        All of them. The first one is that which the pulse invokes, the second one restores:
        concurrency is reserved for these two.
    """

    functions: tuple[str, ...]

    @property
    def prefix(self) -> str:
        """With which the names of its functions and alarms begin."""
        return f"{self.functions[0].rpartition('-')[0]}-"

    @property
    def reserved(self) -> tuple[str, ...]:
        """Those for which concurrency is reserved."""
        return self.functions[:2]

    @property
    def has_dashboard(self) -> bool:
        """Whether a dashboard is deployed."""
        return f"{self.prefix}present" in self.functions

    def is_alarm_on_guard(self, alarm: str) -> bool:
        """Tell an alarm on the guard itself, by its name, from those on the account."""
        return alarm.startswith(f"{self.prefix}guard-")


@dataclass(frozen=True, slots=True, kw_only=True)
class OverviewReader:
    """Where the page is read from."""

    ledger: LedgerReader
    diagnosis: FindingReader
    books: LoopBooks
    metrics: PageMetrics
    guard: GuardStateReader
    identity: GuardIdentity
    region: str
    account: str
    clock: Callable[[], datetime]

    def read(self, views: Collection[View] = ALL_VIEWS) -> Overview:
        """Read the parts that these views show. It raises nothing that a store may say."""
        run = _Run(reader=self, now=self.clock())
        is_now, is_health = View.INCIDENTS in views, View.HEALTH in views
        book = self.books.load() if is_now or is_health else None
        return Overview(
            at=run.now,
            region=self.region,
            account=self.account,
            incidents=run.read_incidents(book) if is_now else None,
            findings=run.read_findings() if is_now else None,
            graph=_describe_graph(book) if is_now or is_health else None,
            history=run.read_history() if View.HISTORY in views else None,
            health=run.read_health(book) if is_health else None,
            unread=tuple(run.unread),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """One reading, with what did not answer so far."""

    reader: OverviewReader
    now: datetime
    unread: list[UnreadPart] = field(default_factory=list)

    @contextmanager
    def _noting(self, what: str) -> Iterator[None]:
        try:
            yield
        except LoopbreakerError as error:
            self.unread.append(UnreadPart(what=what, why=clean(str(error), _LONGEST_WHY)))

    def read_incidents(self, book: LoopBook | None) -> IncidentsPart | None:
        with self._noting("What is open and held is not known: the incident table"):
            live = self.reader.ledger.read_live()
            still_open = sorted(
                (one for one in live.incidents if not one.is_closed),
                key=lambda one: (one.state in HELD_STATES, one.opened_at, one.function),
                reverse=True,
            )
            tagged = self._find_tagged({one.function for one in still_open})
            rows = still_open[MOST_CARDS : MOST_CARDS + MOST_ROWS]
            return IncidentsPart(
                shown=tuple(self._show(one, book) for one in still_open[:MOST_CARDS]),
                others=tuple(summarize_open(one, self.now) for one in rows),
                incidents_open=len(still_open),
                held=sum(one.state in HELD_STATES for one in still_open) + len(tagged),
                tagged=tagged[:MOST_NAMES],
                tagged_count=len(tagged),
                unreadable=live.unreadable[:MOST_NAMES],
                unreadable_count=len(live.unreadable),
            )
        return None

    def _find_tagged(self, known: set[str]) -> tuple[str, ...]:
        """The functions whose tags alone report a stop."""
        found = set()
        with self._noting("Functions that were stopped without the incident table: their tags"):
            for arn in self.reader.guard.find_tagged(SNAPSHOT_TAG):
                with suppress(InvalidFunctionReferenceError):
                    found.add(parse_function_name(arn))
        return tuple(sorted(found - known))

    def _show(self, incident: Incident, book: LoopBook | None) -> ShownIncident:
        page = None if book is None else book.page(incident.function)
        return ShownIncident(
            incident=summarize_open(incident, self.now),
            moments=list_moments(incident),
            traffic=self._read_traffic(incident),
            outline=None if book is None else book.outline(incident.function),
            closed_by=() if page is None else (page.trigger, page.write),
            broken_by=page.cuts[0] if page is not None and page.cuts else "",
        )

    def _read_traffic(self, incident: Incident) -> ShownTraffic | None:
        window = choose_window(incident, self.now)
        with self._noting(f"The traffic of {clean(incident.function, 80)}"):
            return self.reader.metrics.read_traffic(
                incident.function, window.start, window.end, window.period_seconds
            )
        return None

    def read_findings(self) -> FindingsPart | None:
        with self._noting("Findings and remedies"):
            found = self.reader.diagnosis.read_findings().open
            newest = sorted(found, key=lambda one: (one.first_seen, one.function), reverse=True)
            remedies = [
                one
                for one in self.reader.diagnosis.read_remediations()
                if one.state in IN_FORCE_STATES
            ]
            return FindingsPart(
                findings=tuple(map(summarize_finding, newest[:MOST_FINDINGS])),
                findings_open=len(found),
                remedies=tuple(map(summarize_remedy, remedies[:MOST_FINDINGS])),
                remedies_count=len(remedies),
            )
        return None

    def read_history(self) -> HistoryPart | None:
        with self._noting("What has ended"):
            ledger = self.reader.ledger
            since = self.now - FILED_KEPT
            waiting = [one for one in ledger.read_live().incidents if one.is_closed]
            ended = {
                one.id: (one.closed_at or one.updated_at, one.function, one.state.value)
                for one in waiting
            }
            was_held = {one.id: one.contained_at is not None for one in waiting}
            for filed in ledger.read_filed(since):
                ended[filed.id] = (filed.until, filed.function, filed.state)
                was_held[filed.id] = filed.was_held
            counted = [(at, state, was_held[key]) for key, (at, _, state) in ended.items()]
            newest = sorted(ended.values(), reverse=True)[:MOST_ENDED]
            oldest: dict[str, datetime] = {}
            for at, name, _ in newest:
                oldest[name] = min(at, oldest.get(name, at))
            records = {one.id: one for one in waiting}
            for name, first in oldest.items():
                records |= {one.id: one for one in ledger.read_closed(name, first - _A_MOMENT)}
            found = [summarize_ended(one) for one in records.values()]
            found.sort(key=lambda one: (one.ended_at, one.id), reverse=True)
            return HistoryPart(
                days=count_days(counted, self.now),
                ended=tuple(found[:MOST_ENDED]),
                ended_count=len(ended),
            )
        return None

    def read_health(self, book: LoopBook | None) -> HealthPart:
        reader = self.reader
        alarms: tuple[GuardAlarm, ...] | None = None
        activity: GuardActivity | None = None
        with self._noting("The alarms on the guard"):
            alarms = reader.guard.read_alarms()
        on_guard = [one for one in alarms or () if reader.identity.is_alarm_on_guard(one.name)]
        queues = {one.queue: one.name for one in on_guard if one.queue}
        with self._noting("The metrics of the guard"):
            activity = reader.metrics.read_activity(
                reader.identity.functions, tuple(queues), self.now
            )
        reserved = []
        for name in reader.identity.reserved:
            with self._noting(f"The reservation of {name}"):
                found = reader.guard.read_reserved(name)
                reserved.append(NamedNumber(name=name, value=found or 0))
        return HealthPart(
            alarms=None if alarms is None else tuple(on_guard),
            pulse_at=None if activity is None else activity.pulse_at,
            is_measured=activity is not None,
            errors=_name_numbers(reader.identity.functions, activity),
            waiting=tuple(
                NamedNumber(name=name, value=activity.waiting.get(queue))
                for queue, name in queues.items()
            )
            if activity is not None
            else (),
            reserved=tuple(reserved),
            cost=_estimate_cost(alarms, book, has_dashboard=reader.identity.has_dashboard),
        )


def _name_numbers(
    functions: tuple[str, ...], activity: GuardActivity | None
) -> tuple[NamedNumber, ...]:
    if activity is None:
        return ()
    return tuple(NamedNumber(name=one, value=activity.errors.get(one, 0.0)) for one in functions)


def _describe_graph(book: LoopBook | None) -> GraphPart:
    if book is None:
        return GraphPart()
    certain = [name for name in book.entries if book.proof(name) is LoopProof.CERTAIN]
    possible = sum(book.proof(name) is LoopProof.POSSIBLE for name in book.entries)
    loops: dict[str, KnownLoop] = {}
    for name in certain:
        page, outline = book.page(name), book.outline(name)
        if page is None or outline is None or page.key in loops:
            continue
        loops[page.key] = KnownLoop(
            function=name,
            outline=outline,
            broken_by=page.cuts[0] if page.cuts else "",
            is_stopped_by_aws=page.is_protected_by_aws,
        )
        if len(loops) == MOST_LOOPS:
            break
    return GraphPart(
        read_at=book.at,
        functions=book.functions,
        gaps=book.gaps,
        certain=len(certain) + len(book.certain),
        possible=possible + len(book.possible),
        loops=tuple(loops.values()),
    )


def _estimate_cost(
    alarms: tuple[GuardAlarm, ...] | None, book: LoopBook | None, *, has_dashboard: bool
) -> GuardCost | None:
    """What the guard costs with the alarms that are there and the functions that were read."""
    if not alarms or book is None:
        return None
    sweep = next((one.period_seconds for one in alarms if one.name.endswith("-guard-sweep")), 0)
    return guard_cost(
        functions=book.functions,
        standard_alarms=sum(not one.is_per_function for one in alarms),
        sweep_minutes=sweep // 60,
        per_function=any(one.is_per_function for one in alarms),
        has_dashboard=has_dashboard,
    )
