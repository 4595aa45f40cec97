"""How a notice is printed, and what every notice keeps to."""

import os
import re
from dataclasses import replace
from functools import cache
from pathlib import Path

from hypothesis import strategies as st

from functions.domain.holding.outcomes import Shown
from functions.domain.holding.watch import Lever
from functions.domain.incidents.decision import DecisionReason
from functions.domain.incidents.incident import Incident
from functions.domain.notices.notice import Notice
from tests.unit.domain.notices.samples.account import (
    assessed,
    told,
)
from tests.unit.domain.notices.samples.holds import FIGURES, held, judged
from tests.unit.domain.notices.samples.stops import (
    contained,
    order_refused,
    ordered,
    refused,
    released,
    restored,
    unrestored,
)

HERE = Path(__file__).parent
REWRITE = bool(os.environ.get("REWRITE_NOTICES"))
NAMES = st.text(
    alphabet=st.characters(codec="ascii", categories=("L", "N")) | st.sampled_from("-_")
)
LONG = "a-very-long-prefix-that-teams-like" + "x" * 72 + "and-its-production-eu-west-1-suffix"


def printed(notice: Notice) -> str:
    """A notice as a text file."""
    return f"Subject: {notice.subject}\n\n{notice.body}"


def check_limits(notice: Notice) -> None:
    """What holds for every notice, whatever is in it."""
    assert 0 < len(notice.subject) < 100
    assert notice.subject.isprintable()
    assert notice.subject.startswith("[Loopbreaker] ")
    assert len(notice.body.encode()) <= 32_000
    assert all(line.isprintable() for line in notice.body.splitlines())
    check_commands_stand_alone(notice.body)
    assert "!" not in notice.subject + notice.body


def check_commands_stand_alone(body: str) -> None:
    """A command is an indented line between empty lines, and no other line begins like one."""
    lines = ["", *body.splitlines(), ""]
    for before, line, after in zip(lines, lines[1:], lines[2:], strict=False):
        if re.match(r"\s*((?i:aws|npx)|loopbreaker)\b", line):
            assert line.startswith(("  aws ", "  npx ", "  loopbreaker ")), line
            assert before == after == "", line


@cache
def incidents() -> dict[str, Incident]:
    """Incidents of all kinds, from one that knows everything to one that knows nothing."""
    bare = replace(
        told(DecisionReason.RUNAWAY),
        function_arn="",
        memory_mb=0,
        timeout_seconds=0,
        architecture="",
        decided="a reason of a newer version",
        assessment=replace(
            assessed(),
            grounds=(),
            rate_per_minute=0,
            normal_per_minute=None,
            since=None,
            mean_duration_ms=None,
            invocations_since=0,
        ),
    )
    return {
        "bare": bare,
        "told": told(DecisionReason.EXEMPT_BY_FLAG),
        "contained": contained(),
        "ordered": ordered(),
        "order_refused": order_refused(),
        "capped": contained(target=5, prior=100),
        "held": held(Lever.ZERO),
        "paused": held(Lever.PAUSE),
        "shown": judged(Lever.CAP, Shown(figures=FIGURES), DecisionReason.SHOWN),
        "released": released(),
        "restored": restored(),
        "unrestored": unrestored(),
        "refused": refused(),
    }
