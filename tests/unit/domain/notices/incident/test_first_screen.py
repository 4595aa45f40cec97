"""The first screen of each mail about an incident: 20 rows of 42 characters.

`tests/functional/notices` lays the same mails out in a browser, as a phone does.
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from functions.domain.detection.evidence import LoopProof, Trigger, TriggerKind
from functions.domain.incidents.states import Transition
from functions.domain.notices.incident.compose import compose_notice
from tests.unit.domain.notices.incident.printing import check_commands_stand_alone
from tests.unit.domain.notices.samples.account import CONTEXT, DEPLOYMENT, FUNCTION, NOW, TRIGGERS
from tests.unit.domain.notices.samples.mails import SAMPLES, observed
from tests.unit.domain.notices.samples.stops import contained

if TYPE_CHECKING:
    from functions.domain.notices.notice import NoticeContext

COLUMNS: Final = 42
ROWS: Final = 20
# Not about an incident, or repeated, or without an incident that could be read.
_OTHERS: Final = frozenset(
    {
        "again",
        "record_unreadable",
        "stack_deleted",
        "tag_in_doubt",
        "tag_unreadable",
        "unprotected",
    }
)
INCIDENTS: Final = sorted(set(SAMPLES) - _OTHERS)
# Without the ledger, the commands by hand come first.
BY_HAND_FIRST: Final = frozenset({"ledger_unavailable", "ledger_unavailable_untagged"})
# What a mail may say instead of a command.
_NO_COMMAND: Final = re.compile(
    r"nothing to do now|Look at its invocations|look at its invocations|see below|Look at SETTINGS"
    r"|Nothing is urgent|In CloudFront"
)


def first_rows(body: str, rows: int = ROWS) -> list[str]:
    """The rows that a phone shows before anybody scrolls."""
    shown: list[str] = []
    for line in body.splitlines():
        shown += textwrap.wrap(line, COLUMNS, break_on_hyphens=False) or [""]
    return shown[:rows]


@pytest.mark.parametrize("name", INCIDENTS)
def test_the_first_screen_says_what_happened_and_what_it_means(name: str) -> None:
    """Which function, in which account, whether anything is being lost, and what it cost."""
    body = SAMPLES[name]().body
    screen = " ".join(first_rows(body))
    function = "us-east-1.edge-auth" if name == "edge_replica" else FUNCTION

    assert function in screen.split("Account")[0]
    assert "Account prod-eu (123456789012), eu-west-1." in screen
    assert re.search(r"being lost|BEING LOST|LOST from", screen), screen
    if "\nCOST\n" in body:
        assert re.search(r"Cost( so far)?: (at least|less than) \$", screen), screen


@pytest.mark.parametrize("name", INCIDENTS)
def test_the_first_screen_says_what_to_type(name: str) -> None:
    """The first command begins on it, and both restore commands; or it says that none is needed."""
    body = SAMPLES[name]().body
    rows = first_rows(body)
    restores = {"npx cdk deploy", "loopbreaker restore"}
    wanted = {one for one in restores if f"\n  {one} " in body and name not in BY_HAND_FIRST}

    for one in wanted:
        assert any(row.startswith(f"  {one}") for row in rows), rows
    if not wanted and not _NO_COMMAND.search(" ".join(rows)):
        assert any(row.startswith(("  aws lambda", "  loopbreaker stop")) for row in rows), rows


@pytest.mark.parametrize("name", ["contained", "held_paused", "shown", "blast_radius"])
def test_a_false_alarm_has_its_command_right_below(name: str) -> None:
    """The command that exempts the function ends some rows below the others."""
    rows = first_rows(SAMPLES[name]().body, ROWS + 8)

    assert "loopbreaker:exempt=true" in " ".join(rows)


@pytest.mark.parametrize("name", INCIDENTS)
def test_below_it_the_sections_are_in_order(name: str) -> None:
    """Evidence, pending events, loop, links."""
    body = SAMPLES[name]().body
    order = ["\nEVIDENCE\n", "\nPENDING EVENTS", "\nTHE LOOP\n", "\nLINKS\n"]
    places = [body.index(one) for one in order if one in body]

    assert places == sorted(places)


@pytest.mark.parametrize("name", INCIDENTS)
def test_nothing_is_said_twice(name: str) -> None:
    """No sentence of the prose stands in a mail a second time."""
    body = SAMPLES[name]().body
    prose = [one for one in body.splitlines() if one and not one.startswith(("  ", "http"))]
    sentences = [
        one
        for line in prose
        for one in re.split(r"(?<=[.:])\s+", line.removeprefix("- "))
        if len(one.split()) > 7
    ]

    assert sorted(set(sentences)) == sorted(sentences)


def test_long_flags_push_nothing_off_the_screen() -> None:
    """A deployment with many flags comes last, whole; what needs no checkout comes first."""
    flags = " ".join(f"-c flag_{number}=some-value-of-it" for number in range(30))
    deployment = replace(DEPLOYMENT, deploy_flags=flags)
    body = observed(Transition.CONTAINED, contained(), deployment=deployment).body
    rows = first_rows(body)

    assert any(row.startswith("  loopbreaker restore") for row in rows)
    assert any(row.startswith("  aws lambda tag-resource") for row in rows)
    assert f"\n  npx cdk deploy -c rollback={FUNCTION} {flags}\n" in body
    assert body.index("npx cdk deploy") < body.index("WHAT LOOPBREAKER CHANGED")
    check_commands_stand_alone(body)


def test_a_long_loop_is_cut_on_the_first_screen_and_drawn_below() -> None:
    """Its one line gives way in its middle; the section of the loop has it from top to bottom."""
    line = " ─InvokeFunction▶ ".join(f"step-{number}-of-a-long-chain" for number in range(30))
    drawing = "\n │ InvokeFunction [certain]\n ▼\n".join(line.split(" ─InvokeFunction▶ "))
    loop = replace(CONTEXT.loop, line=line, drawing=drawing)
    body = observed(Transition.CONTAINED, contained(), loop=loop).body
    rows = first_rows(body)

    assert any(row.startswith("  npx cdk deploy") for row in rows)
    assert "Cause, certain: step-0-of-a-long-chain" in " ".join(rows)
    assert "..." in " ".join(rows[:8])
    assert "step-15-of-a-long-chain" in body.partition("THE LOOP")[2]


def _stopped(**changes: object) -> str:
    context: NoticeContext = replace(CONTEXT, **changes)  # type: ignore[arg-type]
    return compose_notice(Transition.CONTAINED, contained(), context, NOW).body.partition("\n\n")[0]


SYNC: Final = Trigger(kind=TriggerKind.SYNC, service="URL", source_arn="")


def test_nothing_is_being_lost_is_said_where_it_is_so() -> None:
    """A queue whose mapping is disabled loses nothing, and neither does a caller that is told."""
    assert "Nothing is being lost. Events of SQS orders-in wait." in _stopped(
        triggers=TRIGGERS[1:2]
    )
    assert "Nothing is being lost. Callers of URL are refused (status 429)." in _stopped(
        triggers=(SYNC,)
    )
    assert "Nothing is being lost." in _stopped(triggers=())


def test_a_loss_is_said_with_its_moment() -> None:
    """What is lost now is in capitals; what will be is dated; what is unknown is said to be."""
    assert "BEING LOST until you restore it: new events of S3 order-uploads." in _stopped(
        triggers=TRIGGERS[2:]
    )
    assert (
        "Nothing is being lost yet. LOST from 2026-11-24 03:15 UTC on: records of DynamoDB stream"
        " orders; older ones earlier."
    ) in _stopped(triggers=TRIGGERS[:1])
    assert "MAY BE LOST until you restore it: new events of S3 order-uploads." in _stopped(
        triggers=TRIGGERS[2:], is_async_target_known=False
    )
    assert "Whether anything is being lost is not known" in _stopped(triggers=None)


def test_the_cause_is_certain_or_suspected() -> None:
    """Only a loop that the configuration closes, and that runs, is certain."""
    assert "Cause, certain: orders-table ─stream▶" in _stopped()
    possible = replace(CONTEXT.loop, proof=LoopProof.POSSIBLE)
    assert "Cause: a loop, probably orders-table ─stream▶" in _stopped(loop=possible)


def test_without_an_alias_the_account_has_its_number() -> None:
    """No alias, or one that could not be read, takes nothing away."""
    deployment = replace(DEPLOYMENT, account_alias="")

    assert "\nAccount 123456789012, eu-west-1.\n" in _stopped(deployment=deployment)
    hostile = replace(DEPLOYMENT, account_alias="a\nb" + "x" * 500)
    assert "\nAccount a bxxx" in _stopped(deployment=hostile)
