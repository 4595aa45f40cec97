"""How the guard itself is, and what it costs. States are said in words, not by colour alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from functions.domain.graph.loop_lookup import STALE_AFTER
from functions.domain.notices.markup import Markup, element
from functions.domain.notices.text import (
    clean,
    format_count,
    format_number,
    format_time,
    format_time_with_age,
)
from functions.domain.page.overview import (
    AlarmState,
    GraphPart,
    GuardAlarm,
    HealthPart,
    NamedNumber,
    Overview,
)

# CloudWatch publishes a minute some minutes after it is over.
_PULSE_LATE: Final = timedelta(minutes=10)
_LONGEST_TEXT: Final = 300
_UNKNOWN: Final = "unknown"
_NOTE: Final = "note"
_WORDS: Final = {"good": "calm", "bad": "alarm", _NOTE: "amber", _UNKNOWN: "amber"}
# The last words of the queues' names.
_UNDELIVERED: Final = "undelivered"
_FAILED: Final = "failed"


@dataclass(frozen=True, slots=True)
class _Check:
    """One thing about the guard: whether it is good, and how that is said."""

    state: str
    text: str


def write_health(page: Overview) -> Iterator[Markup]:
    """The checks, one line each."""
    if page.health is None:
        return
    checks = _list_checks(page, page.health)
    yield element("ul", *map(_write_check, checks), class_="checks")
    yield element("h4", "What the guard costs")
    if page.health.cost is None:
        yield element("p", "It cannot be estimated: its alarms or the event graph are unknown.")
    else:
        said = page.health.cost.in_words()
        yield element("p", f"{said[:1].upper()}{said[1:]}. An estimate, not a bill.")


def count_troubles(page: Overview) -> int | None:
    """How many things are not well with the guard; ``None`` where its health was not read."""
    if page.health is None:
        return None
    return sum(one.state == "bad" for one in _list_checks(page, page.health))


def _list_checks(page: Overview, health: HealthPart) -> list[_Check]:
    checks = [_check_pulse(health, page.at), _check_graph(page.graph, page.at)]
    checks += _check_queues(health)
    checks.append(_check_errors(health))
    checks += _check_protection(health)
    checks += _check_alarms(health)
    return checks


def _write_check(check: _Check) -> Markup:
    return element(
        "li",
        element("span", check.state, class_=_WORDS[check.state]),
        element("span", check.text),
    )


def _check_pulse(health: HealthPart, now: datetime) -> _Check:
    if not health.is_measured:
        return _Check(_UNKNOWN, "Pulse: its metrics could not be read.")
    if health.pulse_at is None:
        return _Check("bad", "Pulse: it has not run within a day. Without it the guard is blind.")
    gone = now - health.pulse_at
    said = f"Pulse: last seen at {format_time_with_age(health.pulse_at, now)}"
    if gone > _PULSE_LATE:
        return _Check("bad", f"{said}. It runs every minute; the guard is blind without it.")
    return _Check("good", f"{said}; metrics are some minutes late.")


def _check_graph(graph: GraphPart | None, now: datetime) -> _Check:
    if graph is None or graph.read_at is None:
        return _Check(_UNKNOWN, "Event graph: there is none yet.")
    said = (
        f"Event graph: the configuration of {format_count(graph.functions, 'function')} was read at"
        f" {format_time_with_age(graph.read_at, now)}"
    )
    if graph.gaps:
        things = format_count(graph.gaps, "thing")
        said += f"; {things} could not be read, so loops through them cannot be ruled out"
    if now - graph.read_at > STALE_AFTER:
        return _Check("bad", f"{said}. It is too old to prove anything.")
    return _Check("good", f"{said}.")


def _check_queues(health: HealthPart) -> Iterator[_Check]:
    titles = {_UNDELIVERED: "Events that could not be delivered", _FAILED: "Failed events"}
    for one in health.waiting:
        title = titles.get(_find_queue(one), clean(one.name, 80))
        if one.value:
            number = format_number(one.value)
            yield _Check("bad", f"{title}: {number} in the queue. Read it, then empty it.")
        else:
            yield _Check("good", f"{title}: none is known.")


def _find_queue(one: NamedNumber) -> str:
    return one.name.rsplit("-", 1)[-1]


def _check_errors(health: HealthPart) -> _Check:
    """Whether runs failed. Each event is tried three times: nothing is lost before the last."""
    if not health.is_measured:
        return _Check(_UNKNOWN, "Failed runs of the guard: the metrics could not be read.")
    failed = [one for one in health.errors if one.value]
    if not failed:
        return _Check("good", "Failed runs of the guard within a day: none.")
    listed = ", ".join(f"{clean(one.name, 80)} {_show(one)}" for one in failed)
    said = f"Failed runs of the guard within a day: {listed}"
    if any(one.value for one in health.waiting if _find_queue(one) == _FAILED):
        return _Check("bad", f"{said}.")
    return _Check(
        _NOTE,
        f"{said}. Lambda tries each event three times, and none was given up. Some fail right after"
        " the first deployment, until the rights of new roles count.",
    )


def _show(one: NamedNumber) -> str:
    return format_number(one.value or 0)


def _check_protection(health: HealthPart) -> Iterator[_Check]:
    if not health.reserved:
        return
    listed = ", ".join(f"{_show(one)} for {clean(one.name, 80)}" for one in health.reserved)
    if all(one.value for one in health.reserved):
        yield _Check("good", f"Protection: reserved executions: {listed}.")
    else:
        yield _Check(
            "bad",
            f"Protection: reserved executions: {listed}. A function that runs away can take the"
            " guard's concurrency.",
        )


def _check_alarms(health: HealthPart) -> Iterator[_Check]:
    if health.alarms is None:
        yield _Check(_UNKNOWN, "Alarms on the guard: they could not be read.")
        return
    ringing = [one for one in health.alarms if one.state == AlarmState.ALARM]
    silent = [one for one in health.alarms if one.state == AlarmState.NO_DATA]
    for one in ringing:
        yield _Check("bad", f"{clean(one.name, 80)}: {_describe_alarm(one)}")
    for one in silent:
        since = "" if one.since is None else f" since {format_time(one.since)}"
        yield _Check(_UNKNOWN, f"{clean(one.name, 80)}: no data{since}.")
    others = len(health.alarms) - len(ringing) - len(silent)
    if others:
        yield _Check("good", f"Alarms on the guard: {others} of {len(health.alarms)} are OK.")
    elif not health.alarms:
        yield _Check("bad", "Alarms on the guard: there are none. Nobody hears if it stands still.")


def _describe_alarm(one: GuardAlarm) -> str:
    since = "" if one.since is None else f" In ALARM since {format_time(one.since)}."
    return f"{clean(one.description, _LONGEST_TEXT)}{since}"
