"""Keeps the event graph up to date, a tick at a time, and notifies people of new loops.

Certain loops that AWS does not stop get a notice of their own. All others come in a digest: at the
first reading of the account, and then weekly, if there are new ones.

A change of the configuration is only noted when it happens. The next tick, some minutes later at
most, applies all that were noted: a deployment changes a hundred things within a minute, and one
reading afterwards sees them all. A reading that takes longer than one run goes on in the next tick:
no run ever starts another one, which would be a loop of the guard's own.

Notices follow from what is stored, in this order: the book; then, in one transaction, where the
refresh stands and the notices; then the notices are sent. A run that dies in between leaves the
rest to the next tick, and people are notified of each loop once.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Final, Generic

from functions.domain.account.inventory import Account, Gap
from functions.domain.errors import LoopbreakerError
from functions.domain.graph.model import EventGraph, GraphSize, Loop
from functions.domain.graph.new_loops import is_for_digest, make_notified_key, plan_digest
from functions.domain.graph.refresh import (
    SCHEMA,
    ChartState,
    Manifest,
    NotedChange,
    Pass,
    PassKind,
    RefreshAction,
    RefreshIntervals,
    choose_action,
    make_notice_id,
)
from functions.domain.graph.refresh_ports import AccountSource, FactArchive, FactsT, RefreshStore
from functions.domain.graph.summary import LoopBook
from functions.domain.notices.account_names import NO_ACCOUNT_NAMES, AccountNames
from functions.domain.notices.events.graph import describe_blind_spots, describe_loops
from functions.domain.notices.events.ports import EventOutlet, NoEvents
from functions.domain.notices.events.record import NoticeEvent
from functions.domain.notices.graph.warning import (
    LoopNotice,
    compose_blind_spots,
    compose_digest,
    compose_warnings,
)
from functions.domain.notices.notice import Deployment
from functions.domain.notices.outbox import OutboxNotice, make_twin
from functions.domain.ports import Publisher
from functions.domain.serialization import UnreadableError
from functions.workflows.event_log import EventLog
from functions.workflows.graph.graphs import Graphs
from functions.workflows.notices.deliver import send
from functions.workflows.notices.events import SingleNotice

MOST_RUNS: Final = 40
"""A pass that took so many runs is given up; at 15 minutes each that is ten hours."""


class PassTooLongError(LoopbreakerError):
    """When a reading does not come to its end. The next one begins anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshReport:
    """What a tick did.

    Attributes
    ----------
    is_complete
        Whether it came to its end; a pass may need several.
    counts
        How large the graph is, and of how many functions it decided what.
    doubts
        By reason: how many functions are on no loop and cannot be said to be free of one.
    """

    work: RefreshAction
    is_complete: bool = True
    functions: int = 0
    loops: int = 0
    told: int = 0
    gaps: int = 0
    changes: int = 0
    counts: GraphSize = field(default_factory=GraphSize)
    doubts: Mapping[str, int] = field(default_factory=dict)


class GraphRefresh(Generic[FactsT]):
    """One run of `chart`.

    Parameters
    ----------
    until
        When the run ends at the latest.
    clock
        The time of day.
    events
        Where the events of notices wait until everything else is done; ``None`` for nowhere.
    held_mappings
        Reads the ids of the event source mappings that the guard has disabled.
    """

    def __init__(
        self,
        *,
        store: RefreshStore,
        facts: FactArchive[FactsT],
        reader: AccountSource[FactsT],
        graphs: Graphs,
        publisher: Publisher,
        deployment: Deployment,
        intervals: RefreshIntervals,
        until: datetime,
        clock: Callable[[], datetime],
        log: EventLog,
        events: EventOutlet | None = None,
        held_mappings: Callable[[], frozenset[str]] = frozenset,
        names: AccountNames = NO_ACCOUNT_NAMES,
    ) -> None:
        self._store = store
        self._held_mappings = held_mappings
        self._facts = facts
        self._reader = reader
        self._graphs = graphs
        self._publisher = publisher
        self._deployment = deployment
        self._intervals = intervals
        self._until = until
        self._clock = clock
        self._log = log
        self._events: EventOutlet = NoEvents() if events is None else events
        self._names = names

    def tick(self) -> RefreshReport:
        """Do what is due, if nobody else is at it.

        Raises
        ------
        LedgerUnavailableError, TurnLostError
            The next tick does the work again.
        PassTooLongError
        """
        state = self._store.take_turn(self._clock(), self._until)
        if state is None:
            return RefreshReport(work=RefreshAction.BUSY)
        try:
            state = self._drop_unusable_facts(state)
            self._deliver()
            noted = self._store.read_noted()
            work = choose_action(state, self._clock(), self._intervals, has_changes=bool(noted))
            if work is not RefreshAction.NOTHING:
                self._graphs.regard_as_enabled(self._held_mappings())
            report = self._carry_out(work, state, noted)
            if report.told:
                self._deliver()
        finally:
            self._store.end_turn()
        if report.work is not RefreshAction.NOTHING:
            self._log.info("charted", **asdict(report))
        return report

    def _drop_unusable_facts(self, state: ChartState) -> ChartState:
        """The state without facts that another version has stored.

        Where that leaves none, all that lies there is deleted before anything is read: it may hold
        what this version must not keep. Version 1 held the values of environment variables.
        """
        facts, going = state.facts, state.going
        if facts is not None and facts.schema != SCHEMA:
            facts = None
        if going is not None and going.manifest.schema != SCHEMA:
            going = None
        if facts is None and going is None:
            deleted = self._facts.clear([])
            if deleted:
                self._log.info("facts that cannot be used are deleted", items=deleted)
        return replace(state, facts=facts, going=going)

    def _carry_out(
        self, work: RefreshAction, state: ChartState, noted: Sequence[NotedChange]
    ) -> RefreshReport:
        match work:
            case RefreshAction.NOTHING | RefreshAction.BUSY:
                return RefreshReport(work=work)
            case RefreshAction.CHANGES:
                return self._apply_changes(state, noted)
            case _:
                return self._read(work, state, noted)

    # -- readings

    def _read(
        self, work: RefreshAction, state: ChartState, noted: Sequence[NotedChange]
    ) -> RefreshReport:
        """Begin a pass or go on with it.

        Changes that were noted before a full pass began are seen by it. Those that were noted
        while it went on stay noted: what they touched may have been read before. So do all where
        only the lists are read, as most changes are of what each resource is asked for.
        """
        kind, facts = self._load_facts(work, state)
        going = state.going if work is RefreshAction.GO_ON else None
        seen = noted if going is None and kind is PassKind.FULL else ()
        runs = 1 if going is None else going.runs + 1
        if runs > MOST_RUNS:
            self._store.save(replace(state, going=None))
            raise PassTooLongError(f"a {kind} pass is not at its end after {runs - 1} runs")
        account = self._reader.read(facts)
        base = None if going is None else going.manifest
        manifest = self._facts.save(facts, base, stored=_list_manifests(state))
        if account is None:
            self._store.save(replace(state, going=Pass(kind=kind, manifest=manifest, runs=runs)))
            self._store.forget(seen)
            return RefreshReport(work=work, is_complete=False)
        # Before anything is concluded: should that fail, the next tick has it all and asks nothing.
        self._store.save(replace(state, going=Pass(kind=kind, manifest=manifest, runs=runs)))
        after = replace(
            state,
            facts=manifest,
            going=None,
            listed_at=facts.at,
            full_at=facts.at if kind is PassKind.FULL else state.full_at,
        )
        report = self._conclude(work, account, after, is_first=state.listed_at is None)
        self._facts.clear([manifest])
        self._store.forget(seen)
        return replace(report, changes=len(seen))

    def _load_facts(self, work: RefreshAction, state: ChartState) -> tuple[PassKind, FactsT]:
        """The facts that a pass begins or goes on with."""
        now = self._clock()
        try:
            if work is RefreshAction.GO_ON and state.going is not None:
                return state.going.kind, self._facts.load(state.going.manifest)
            if work is RefreshAction.LIGHT and state.facts is not None:
                known = self._facts.load(state.facts)
                return PassKind.LIGHT, self._facts.begin(now, carried_from=known)
        except UnreadableError as error:
            self._log.info("facts are read anew", why=str(error))
        return PassKind.FULL, self._facts.begin(now)

    def _apply_changes(self, state: ChartState, noted: Sequence[NotedChange]) -> RefreshReport:
        """Bring the facts up to date; when the time is up before, the changes stay noted."""
        known = state.facts
        if known is None:
            raise AssertionError("changes are worked into facts")
        try:
            facts = self._facts.load(known)
        except UnreadableError as error:
            self._log.info("facts are read anew", why=str(error))
            return self._read(RefreshAction.FULL, replace(state, facts=None), noted)
        account = self._reader.work_in([one.change for one in noted], facts)
        if account is None:
            return RefreshReport(work=RefreshAction.CHANGES, is_complete=False, changes=len(noted))
        manifest = self._facts.save(facts, known)
        after = replace(state, facts=manifest)
        report = self._conclude(RefreshAction.CHANGES, account, after, is_first=False)
        self._store.forget(noted)
        return replace(report, changes=len(noted))

    # -- conclusions

    def _conclude(
        self, work: RefreshAction, account: Account, state: ChartState, *, is_first: bool
    ) -> RefreshReport:
        """Store what follows from the account, with the notices that report what is new."""
        graph = self._graphs.of(account)
        # What was worked in has just been read, whenever everything else was.
        read_at = self._clock() if work is RefreshAction.CHANGES else account.at
        changed = {one.name: one.last_modified for one in account.functions if one.last_modified}
        self._store.write_book(LoopBook.of(graph, changed))
        new = self._graphs.find_new_loops(state.told, graph)
        digest = plan_digest(state.digest_at, self._clock())
        # Asked for where something may be said.
        deployment = self._deployment
        if new or account.gaps:
            deployment = self._names.add_alias(deployment)
        told = [
            *compose_warnings(
                [one for one in new if not is_for_digest(one)],
                deployment,
                read_at,
                is_first=is_first,
            ),
            *(self._compose_digest(new, graph, deployment, read_at) if digest.is_due else ()),
            *self._compose_blind_spots(account, state, deployment),
        ]
        now = self._clock()
        missing = _find_missing_permissions(account)
        notices = [
            OutboxNotice(
                id=make_notice_id(now, number, one.notice),
                subject=one.notice.subject,
                body=one.notice.body,
                twin=make_twin(_describe(one, new, missing, read_at)),
            )
            for number, one in enumerate(told)
        ]
        gaps = tuple(sorted({*state.told_gaps, *map(_make_gap_key, missing)}))
        self._store.save(
            replace(
                state,
                told=(*state.told, *(key for one in told for key in one.keys)),
                told_gaps=gaps,
                digest_at=digest.at,
            ),
            notices,
        )
        return RefreshReport(
            work=work,
            functions=len(account.functions),
            loops=len(graph.loops),
            told=len(told),
            gaps=len(account.gaps),
            counts=graph.counts,
            doubts=dict(Counter(one.value for found in graph.doubts.values() for one in found)),
        )

    def _compose_digest(
        self, new: Sequence[Loop], graph: EventGraph, deployment: Deployment, read_at: datetime
    ) -> Sequence[LoopNotice]:
        """One notice of the loops that get none of their own, if one of them is new."""
        listed = [one for one in new if is_for_digest(one)]
        every = [one for one in self._graphs.find_new_loops((), graph) if is_for_digest(one)]
        return compose_digest(listed, len(every), deployment, read_at) if listed else ()

    def _compose_blind_spots(
        self, account: Account, state: ChartState, deployment: Deployment
    ) -> Sequence[LoopNotice]:
        """One notice of missing permissions, if one of them was not reported."""
        missing = _find_missing_permissions(account)
        if {_make_gap_key(gap) for gap in missing} <= set(state.told_gaps):
            return ()
        return (LoopNotice(notice=compose_blind_spots(missing, deployment, account.at), keys=()),)

    # -- notices

    def _deliver(self) -> None:
        """Send the notices that are due; one that is sent, its event too, is forgotten."""
        for notice in self._store.read_notices():
            now = self._clock()
            record = SingleNotice(outbox=(notice,))
            if notice.is_due(now):
                sent: list[OutboxNotice] = []
                why = send(notice, self._keep_in(sent), self._publisher, now, self._events.sinks)
                if why:
                    self._log.info("notice not sent", subject=notice.subject, why=why)
                record = SingleNotice(outbox=(sent[-1],))
            elif notice.settled(self._events.sinks) != notice:
                self._save_notice(SingleNotice(outbox=(notice.settled(self._events.sinks),)))
                continue
            self._events.keep(notice.id, record, self._save_notice)

    def _keep_in(self, kept: list[OutboxNotice]) -> Callable[[OutboxNotice], None]:
        def keep(notice: OutboxNotice) -> None:
            self._store.keep_notice(notice)
            kept.append(notice)

        return keep

    def _save_notice(self, record: SingleNotice) -> SingleNotice:
        for notice in record.outbox:
            self._store.keep_notice(notice)
        return record


def _describe(
    told: LoopNotice, loops: Sequence[Loop], missing: Sequence[Gap], read_at: datetime
) -> NoticeEvent:
    """The event of a notice: of the loops that it is about, or of what may not be read."""
    keys = set(told.keys)
    about = [one for one in loops if make_notified_key(one) in keys]
    return describe_loops(about, read_at) if about else describe_blind_spots(missing, read_at)


def _list_manifests(state: ChartState) -> tuple[Manifest, ...]:
    going = () if state.going is None else (state.going.manifest,)
    return (*going, *(() if state.facts is None else (state.facts,)))


def _find_missing_permissions(account: Account) -> tuple[Gap, ...]:
    """What the guard was not allowed to read, as a whole."""
    return tuple(gap for gap in account.gaps if gap.action and not gap.resource)


def _make_gap_key(gap: Gap) -> str:
    return f"{gap.area.value}|{gap.action}"
