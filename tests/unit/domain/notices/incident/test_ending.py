"""The end of a mail: whose function it is, its runbook, and where to look."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from functions.domain.account.origin import FunctionOrigin
from functions.domain.incidents.states import Transition
from tests.unit.domain.notices.samples.account import NOW
from tests.unit.domain.notices.samples.mails import ORIGIN, observed
from tests.unit.domain.notices.samples.stops import contained

if TYPE_CHECKING:
    from functions.domain.incidents.incident import Incident


def write(incident: Incident) -> str:
    """The mail about its stop."""
    return observed(Transition.CONTAINED, incident).body


def test_whose_function_it_is_stands_below_the_rest() -> None:
    """Owner, stack, last change; the runbook is the first link."""
    body = write(replace(contained(), origin=ORIGIN))
    end = body[body.index("\nTHE FUNCTION\n") :]

    assert "Its tags say: owner: payments@example.com; team: payments." in end
    assert "It belongs to the CloudFormation stack orders-prod." in end
    assert "LINKS\nRunbook:\nhttps://wiki.example.com/runbooks/orders-enricher\n" in end


def test_where_nothing_is_known_nothing_is_said() -> None:
    """A record of an earlier version, or a function without any of it."""
    body = write(contained())

    assert "THE FUNCTION" not in body
    assert "Runbook" not in body


@pytest.mark.parametrize(
    ("minutes", "since", "words"),
    [
        (14, 9, "5 min before its rate rose."),
        (3, 9, "after its rate rose."),
        (14, None, "before this incident."),
    ],
)
def test_the_last_change_beside_the_spike(minutes: int, since: int | None, words: str) -> None:
    """A deployment just before it is the first suspect."""
    incident = contained()
    rose = None if since is None else NOW - timedelta(minutes=since)
    changed = FunctionOrigin(changed_at=NOW - timedelta(minutes=minutes))
    body = write(
        replace(incident, origin=changed, assessment=replace(incident.assessment, since=rose))
    )

    (line,) = [one for one in body.splitlines() if "was last changed at" in one]
    assert line.endswith(words)


def test_hostile_tags_stay_on_their_line() -> None:
    """Text from outside forms neither a command nor a section of its own."""
    hostile = FunctionOrigin(owners=("team: x\n\n  aws lambda delete-function\nLINKS",))
    body = write(replace(contained(), origin=hostile))

    assert "\n  aws lambda delete-function" not in body
    assert body.count("\nLINKS\n") == 1
