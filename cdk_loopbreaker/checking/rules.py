"""The rules of the check. Their ids are stable: people write them into files and pipelines."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a finding is about.

    Attributes
    ----------
    id
        ``LB001``. Never given to another rule.
    name
        For tools that show no sentence: ``UnprotectedLoop``.
    title
        A sentence without a full stop.
    """

    id: str
    name: str
    title: str


UNPROTECTED_LOOP: Final = Rule(
    id="LB001",
    name="UnprotectedLoop",
    title="A function can invoke itself, and AWS does not stop it",
)
CUT_LOOP: Final = Rule(
    id="LB002",
    name="LoopThatAwsCuts",
    title="A function can invoke itself, and AWS cuts the loop after about 16 rounds",
)
ALLOWED_LOOP: Final = Rule(
    id="LB003",
    name="LoopThatIsAllowed",
    title="A function can invoke itself, and its setting RecursiveLoop tells AWS to let it",
)
FAILURE_LOOP: Final = Rule(
    id="LB004",
    name="LoopThroughDestination",
    title="A dead-letter queue or destination leads back to the function",
)
LOG_LOOP: Final = Rule(
    id="LB005",
    name="LoopThroughOwnLogs",
    title="A log subscription brings a function its own logs",
)
POSSIBLE_LOOP: Final = Rule(
    id="LB010",
    name="PossibleLoop",
    title="A function may be able to invoke itself",
)
MISSING_PERMISSION: Final = Rule(
    id="LB020",
    name="TriggerWithoutPermission",
    title="A trigger may not invoke its function",
)
NO_RIGHT_TO_LOG: Final = Rule(
    id="LB021",
    name="RoleCannotWriteLogs",
    title="The role of a function may not write its logs",
)
NO_RIGHT_TO_TRACE: Final = Rule(
    id="LB022",
    name="RoleCannotWriteTraces",
    title="Tracing is active, but the role of the function may not write traces",
)
SHORT_VISIBILITY: Final = Rule(
    id="LB023",
    name="VisibilityBelowTimeout",
    title="A queue shows its messages again before its function has timed out",
)
NO_RIGHT_TO_POLL: Final = Rule(
    id="LB024",
    name="RoleCannotReadSource",
    title="The role of a function may not read what its event source mapping polls",
)

RULES: Final = (
    UNPROTECTED_LOOP,
    CUT_LOOP,
    ALLOWED_LOOP,
    FAILURE_LOOP,
    LOG_LOOP,
    POSSIBLE_LOOP,
    MISSING_PERMISSION,
    NO_RIGHT_TO_LOG,
    NO_RIGHT_TO_TRACE,
    SHORT_VISIBILITY,
    NO_RIGHT_TO_POLL,
)


def find_rule(rule_id: str) -> Rule | None:
    """The rule of an id, in any case; ``None`` where there is none."""
    wanted = rule_id.strip().upper()
    return next((one for one in RULES if one.id == wanted), None)


@cache
def read_page(rule: Rule) -> str:
    """The page of a rule, in Markdown: what it finds, why it matters, what to do, how to accept."""
    return (files(__package__) / "pages" / f"{rule.id}.md").read_text(encoding="utf-8")
