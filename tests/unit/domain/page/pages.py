"""Pages of guards that are well, busy, huge and half blind, for every test that shows one."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from functions.domain.deployment.guard_cost import guard_cost
from functions.domain.graph.model import NodeKind
from functions.domain.holding.watch import Lever
from functions.domain.incidents.decision import DecisionReason
from functions.domain.notices.graph.outline import LoopOutline, OutlineStep
from functions.domain.page.actions import Buttons
from functions.domain.page.overview import (
    MOST_CARDS,
    MOST_ENDED,
    MOST_FINDINGS,
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
)
from functions.domain.page.timeline import choose_window, count_days, list_moments
from functions.domain.requests.summary import (
    RemedyInForce,
    ReportedFinding,
    summarize_ended,
    summarize_open,
)
from tests.unit.domain.notices.samples.account import NOW, told
from tests.unit.domain.notices.samples.holds import held
from tests.unit.domain.notices.samples.stops import contained, restored

if TYPE_CHECKING:
    from datetime import datetime

    from functions.domain.incidents.incident import Incident
    from functions.domain.requests.summary import (
        EndedIncident,
    )

ACCOUNT: Final = "123456789012"
REGION: Final = "eu-west-1"
_ARN: Final = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:"
BUTTONS: Final = Buttons(
    restore_arn=f"{_ARN}Loopbreaker-restore",
    contain_arn=f"{_ARN}Loopbreaker-contain",
    rendering="5f1c1c9e-0000-4000-8000-000000000001",
    at=NOW,
)
HOSTILE: Final = (
    '"><script>alert(1)</script>\x00</style><cwdb-action action="call">&amp;' + "W" * 90
)
REASONS: Final = {
    "restored": "A loop: the configuration of the account closes it, and it runs.",
    "lifted": "While it was held, as much arrived as before: others feed it.",
    "ended": "It is far above the 3 hours before: now 2,100 invocations a minute, before 41.",
}
GUARD: Final = tuple(
    f"Loopbreaker-{one}"
    for one in ("contain", "restore", "protect", "diagnose", "chart", "present")
)


def outline(function: str = "orders-enricher", table: str = "orders-table") -> LoopOutline:
    """A loop through a table."""
    return LoopOutline(
        steps=(
            OutlineStep(
                kind=NodeKind.TABLE,
                name=table,
                label="stream",
                means="event source mapping",
                certainty="certain",
            ),
            OutlineStep(
                kind=NodeKind.FUNCTION,
                name=function,
                label="PutItem",
                means="permission",
                certainty="certain",
            ),
        )
    )


def risen(incident: Incident) -> Incident:
    """The incident, whose rise began some minutes before."""
    since = incident.opened_at - timedelta(minutes=7)
    return replace(incident, assessment=replace(incident.assessment, since=since))


def traffic(incident: Incident, *, is_empty: bool = False) -> ShownTraffic:
    """A quiet function that doubles each minute until it is stopped."""
    window = choose_window(incident, NOW)
    count = int((window.end - window.start).total_seconds()) // window.period_seconds
    moments = list_moments(incident)
    begin = moments[0].at if moments else incident.opened_at
    end = incident.stopped_at or (incident.watch.held_at if incident.watch else NOW)
    values: list[float | None] = []
    for number in range(count):
        at = window.start + timedelta(seconds=number * window.period_seconds)
        usual = 35 + 9 * math.sin(number / 3)
        grown = 35 * 2.4 ** ((at - begin).total_seconds() / 60)
        value = usual if at < begin else min(14_800.0, grown)
        values.append(None if at >= NOW or is_empty else value if at < end else 0.0)
    after = [
        None if value is None else (900.0 * (number % 3) if value == 0 else 0.0)
        for number, value in enumerate(values)
    ]
    return ShownTraffic(
        start=window.start,
        period_seconds=window.period_seconds,
        invocations=tuple(values),
        throttles=tuple(after),
    )


def show(incident: Incident, *, is_known: bool = True, is_empty: bool = False) -> ShownIncident:
    """The incident with all that is drawn of it."""
    name = incident.function
    return ShownIncident(
        incident=summarize_open(incident, NOW),
        moments=list_moments(incident),
        traffic=traffic(incident, is_empty=is_empty),
        outline=outline(name) if is_known else None,
        closed_by=(
            f"table orders-table to {name}: event source mapping 2b6f1e7c; every event passes",
            (
                f"{name} to table orders-table: dynamodb:PutItem (policy own, statement Write);"
                " the statement names the resource"
            ),
        )
        if is_known
        else (),
        broken_by="Let it write to another table, or filter its own records out of the mapping"
        if is_known
        else "",
    )


def alarms(*ringing: str, silent: tuple[str, ...] = ()) -> tuple[GuardAlarm, ...]:
    """The alarms on the guard, of which some are not well."""
    names = (
        "contain-errors",
        "contain-throttles",
        "restore-errors",
        "restore-throttles",
        "undelivered",
        "failed",
        "pulse",
        "chart",
        "diagnosis",
        "sweep",
    )
    return tuple(
        GuardAlarm(
            name=f"Loopbreaker-guard-{one}",
            state="ALARM" if one in ringing else "INSUFFICIENT_DATA" if one in silent else "OK",
            since=NOW - timedelta(hours=5),
            description="An event for the guard ended as a dead letter. Read the queue.",
            queue=one if one in {"undelivered", "failed"} else "",
        )
        for one in names
    )


def health(*, is_well: bool = True, functions: int = 312) -> HealthPart:
    """How the guard is."""
    return HealthPart(
        alarms=alarms() if is_well else alarms("failed", silent=("sweep",)),
        pulse_at=NOW - timedelta(minutes=3 if is_well else 47),
        is_measured=True,
        errors=tuple(NamedNumber(name=one, value=0 if is_well else 4) for one in GUARD),
        waiting=(
            NamedNumber(name="Loopbreaker-guard-undelivered"),
            NamedNumber(name="Loopbreaker-guard-failed", value=None if is_well else 7),
        ),
        reserved=(
            NamedNumber(name="Loopbreaker-contain", value=5 if is_well else 0),
            NamedNumber(name="Loopbreaker-restore", value=2 if is_well else 0),
        ),
        cost=guard_cost(
            functions=functions,
            standard_alarms=13,
            sweep_minutes=60,
            per_function=False,
            has_dashboard=True,
        ),
    )


def history(count: int) -> HistoryPart:
    """So many incidents that have ended within 90 days."""
    sample = summarize_ended(restored())
    ended = []
    for number in range(count):
        at = NOW - timedelta(hours=7 + (number * 151) % (89 * 24))
        state = ("restored", "lifted", "ended")[number % 3]
        ended.append(
            replace(
                sample,
                id=f"{sample.id}-{number}",
                function=f"{sample.function}-{number % 40}",
                state=state,
                ending={"restored": "restored", "lifted": "put back by Loopbreaker"}.get(
                    state, "ended by itself"
                ),
                ended_at=at,
                opened_at=at - timedelta(minutes=40),
                was_held=state != "ended",
                why=(REASONS[state],),
            )
        )
    ended.sort(key=lambda one: one.ended_at, reverse=True)
    counted = [(one.ended_at, one.state, one.was_held) for one in ended]
    return HistoryPart(
        days=count_days(counted, NOW), ended=tuple(ended[:MOST_ENDED]), ended_count=len(ended)
    )


def graph(functions: int = 312, loops: int = 1) -> GraphPart:
    """What the event graph says."""
    return GraphPart(
        read_at=NOW - timedelta(hours=2),
        functions=functions,
        gaps=4 if functions else 0,
        certain=loops,
        possible=9 if loops else 0,
        loops=tuple(
            KnownLoop(
                function=f"resize-{number}",
                outline=outline(f"resize-{number}", f"pictures-{number}"),
                broken_by="Narrow the prefix of the notification to incoming/",
            )
            for number in range(min(loops, 6))
        ),
    )


def findings(count: int) -> FindingsPart:
    """So many findings of the diagnosis."""
    shown = tuple(
        ReportedFinding(
            function=f"write-report-{number}",
            title="It may not write its logs",
            summary="Its role allows logs:PutLogEvents on no log group that it writes to.",
            first_seen=NOW - timedelta(days=number % 30, hours=2),
        )
        for number in range(min(count, MOST_FINDINGS))
    )
    remedies = (
        (RemedyInForce(function="nightly-import", title="more memory", since=NOW, state="applied"),)
        if count
        else ()
    )
    return FindingsPart(
        findings=shown, findings_open=count, remedies=remedies, remedies_count=len(remedies)
    )


def quiet() -> Overview:
    """An account in which nothing is wrong, and nothing ever was."""
    return Overview(
        at=NOW,
        region=REGION,
        account=ACCOUNT,
        incidents=IncidentsPart(),
        findings=FindingsPart(),
        graph=graph(functions=0, loops=0),
        history=history(0),
        health=health(functions=0),
    )


def busy() -> Overview:
    """Three functions of which one is stopped, one is held, and one is reported."""
    stopped = show(risen(contained(hours=0.5, prior=5)))
    paused = risen(held(Lever.PAUSE, minutes=4))
    watched = show(replace(paused, function="import-file"), is_known=False)
    reported = show(replace(told(DecisionReason.EXEMPT_BY_FLAG), function="send-invoice"))
    return Overview(
        at=NOW,
        region=REGION,
        account=ACCOUNT,
        incidents=IncidentsPart(shown=(stopped, watched, reported), incidents_open=3, held=2),
        findings=findings(3),
        graph=graph(),
        history=history(14),
        health=health(),
    )


def huge(count: int = 500, name: str = "process-orders-of-the-european-warehouse") -> Overview:
    """So many open incidents, and as much of everything else."""
    incidents = [
        risen(contained(function=f"{name[:50]}-{number}", hours=0.5 + number / 10))
        for number in range(count)
    ]
    shown = tuple(map(show, incidents[:MOST_CARDS]))
    others = tuple(
        summarize_open(one, NOW) for one in incidents[MOST_CARDS : MOST_CARDS + MOST_ROWS]
    )
    return Overview(
        at=NOW,
        region=REGION,
        account=ACCOUNT,
        incidents=IncidentsPart(
            shown=shown,
            others=others,
            incidents_open=count,
            held=count + 3,
            tagged=("invoices", "shipments", "returns"),
            tagged_count=3,
            unreadable=("labels",),
            unreadable_count=1,
        ),
        findings=findings(count),
        graph=graph(functions=10_000, loops=count),
        history=history(count),
        health=health(is_well=False, functions=10_000),
    )


def blind() -> Overview:
    """A page of which nothing could be read."""
    why = "AccessDeniedException: not authorized to perform: dynamodb:Query"
    return Overview(
        at=NOW,
        region=REGION,
        account=ACCOUNT,
        graph=GraphPart(),
        health=HealthPart(),
        unread=(
            UnreadPart(what="What is open and held is not known: the incident table", why=why),
            UnreadPart(what="Findings and remedies", why=why),
            UnreadPart(what="What has ended", why=why),
            UnreadPart(what="The alarms on the guard", why="Throttling: Rate exceeded"),
            UnreadPart(what="The metrics of the guard", why="Throttling: Rate exceeded"),
        ),
    )


def hostile(text: str = HOSTILE) -> Overview:
    """A page on which every text from outside is hostile."""
    shown = show(risen(contained(hours=2, prior=5)))
    incident = replace(
        shown.incident,
        function=text,
        standing=text,
        restriction=text,
        why=(text, text),
        expiry=text,
        puts_back=(text, text),
        refusals=(text,),
    )
    moments = tuple(replace(one, label=text) for one in shown.moments)
    card = replace(
        shown,
        incident=incident,
        moments=moments,
        outline=outline(text, text),
        closed_by=(text, text),
        broken_by=text,
    )
    ended: EndedIncident = replace(
        summarize_ended(restored()), function=text, ending=text, why=(text,)
    )
    page = huge(1)
    return replace(
        page,
        region=text,
        account=text,
        incidents=IncidentsPart(
            shown=(card,),
            others=(incident, replace(incident, is_restorable=False)),
            incidents_open=3,
            held=3,
            tagged=(text,),
            tagged_count=1,
            unreadable=(text,),
            unreadable_count=1,
        ),
        findings=FindingsPart(
            findings=(ReportedFinding(function=text, title=text, summary=text, first_seen=NOW),),
            findings_open=1,
            remedies=(RemedyInForce(function=text, title=text, since=NOW),),
            remedies_count=1,
        ),
        graph=replace(
            graph(), loops=(KnownLoop(function=text, outline=outline(text), broken_by=text),)
        ),
        history=replace(history(1), ended=(ended,)),
        health=replace(
            health(is_well=False),
            alarms=tuple(
                replace(one, name=text, description=text, state="ALARM") for one in alarms()
            ),
            errors=(NamedNumber(name=text, value=3),),
            waiting=(NamedNumber(name=text, value=3),),
            reserved=(NamedNumber(name=text, value=3),),
        ),
        unread=(UnreadPart(what=text, why=text),),
    )


PAGES: Final = {"quiet": quiet, "busy": busy, "huge": huge, "blind": blind, "hostile": hostile}


def after(minutes: float) -> datetime:
    """A moment after that of the pages."""
    return NOW + timedelta(minutes=minutes)
