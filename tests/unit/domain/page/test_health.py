"""How the guard is, said in words for each thing that may be wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from functions.domain.page.document import write_widget
from functions.domain.page.health import count_troubles
from functions.domain.page.overview import GraphPart, HealthPart, NamedNumber, View
from functions.domain.page.style import Theme
from tests.unit.cdk_loopbreaker.scanning.page import Page
from tests.unit.domain.notices.samples.account import NOW
from tests.unit.domain.page.pages import alarms, blind, busy, graph, health

if TYPE_CHECKING:
    from functions.domain.page.overview import Overview


def read(page: Overview) -> str:
    """The text of the widget."""
    return Page(write_widget(page, View.HEALTH, Theme.LIGHT, None)).text


def having(**changes: Any) -> Overview:
    """A guard that is well, but for these."""
    return replace(busy(), health=replace(health(), **changes))


def test_a_guard_that_is_well() -> None:
    """Every check is good, and the cost is an estimate."""
    text = read(busy())

    assert count_troubles(busy()) == 0
    assert "bad" not in text
    assert "Alarms on the guard: 10 of 10 are OK." in text
    assert "reserved executions: 5 for Loopbreaker-contain, 2 for Loopbreaker-restore" in text
    assert "dashboard $3.00" in text
    assert "An estimate, not a bill." in text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"pulse_at": NOW - timedelta(hours=1)}, "the guard is blind without it"),
        ({"pulse_at": None}, "Pulse: it has not run within a day"),
        ({"alarms": alarms("pulse")}, "In ALARM since"),
        ({"alarms": ()}, "there are none"),
    ],
)
def test_what_is_wrong(changes: dict[str, Any], words: str) -> None:
    """It is counted once, and said."""
    page = having(**changes)

    assert count_troubles(page) == 1
    assert words in read(page)


def test_a_sick_guard() -> None:
    """Dead letters, errors, no protection."""
    page = replace(busy(), health=health(is_well=False))
    text = read(page)

    assert count_troubles(page) == 5
    assert "Failed events: 7 in the queue" in text
    assert "Loopbreaker-contain 4" in text
    assert "A function that runs away can take the guard's concurrency" in text
    assert "Loopbreaker-guard-sweep: no data since" in text


def test_failed_runs_are_no_trouble_while_nothing_is_given_up() -> None:
    """A new role's rights count late: the first events fail, are tried again, and succeed."""
    page = having(errors=(NamedNumber(name="Loopbreaker-chart", value=13),))
    text = read(page)

    assert count_troubles(page) == 0
    assert "Loopbreaker-chart 13. Lambda tries each event three times" in text
    assert "bad" not in text


def test_an_old_graph_proves_nothing() -> None:
    """It is kept by `chart`, which seems not to run."""
    old = replace(graph(), read_at=NOW - timedelta(hours=50))

    assert count_troubles(replace(busy(), graph=old)) == 1
    assert "too old to prove anything" in read(replace(busy(), graph=old))
    assert "there is none yet" in read(replace(busy(), graph=GraphPart()))


def test_what_was_not_read_is_unknown_and_not_good() -> None:
    """An empty answer is no good one."""
    text = read(blind())

    assert "good" not in text
    assert count_troubles(blind()) == 0
    assert count_troubles(replace(blind(), health=None)) is None
    assert "It cannot be estimated" in read(replace(blind(), health=HealthPart()))
