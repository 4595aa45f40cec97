"""The rights of a drill: what it makes has its prefix, and the rest is read."""

from __future__ import annotations

from json import dumps
from typing import Any, Final

import pytest

from cdk_loopbreaker.drill.model import STACK_PREFIX, Depth
from cdk_loopbreaker.drill.policy import build_statements
from functions.domain.requests.drill import FUNCTION_PREFIX
from stacks.names import CHART, CONTAIN, RESTORE, SIGNAL_ALARM_PREFIX

_READS: Final = ("Describe", "Filter", "Get", "List", "Scan", "Simulate", "Test", "Batch")
# On every resource, because AWS gives these no name before they are there.
_UNNAMED: Final = frozenset(
    {
        "lambda:CreateEventSourceMapping",
        "lambda:DeleteEventSourceMapping",
        "lambda:TagResource",
        "lambda:UpdateEventSourceMapping",
    }
)
_OWN: Final = (STACK_PREFIX, FUNCTION_PREFIX)
_OF_THE_GUARD: Final = (CONTAIN, RESTORE, CHART, SIGNAL_ALARM_PREFIX)


def changes(depth: Depth) -> list[tuple[str, str]]:
    """Each action that changes something, with a resource."""
    return [
        (action, resource)
        for one in build_statements(depth)
        for action in one["Action"]
        for resource in one["Resource"]
        if not action.partition(":")[2].startswith(_READS)
    ]


@pytest.mark.parametrize("depth", Depth)
def test_only_what_is_its_own_can_be_changed(depth: Depth) -> None:
    """But an alarm of the guard, whose functions it may invoke, and a subscription of a topic."""
    for action, resource in changes(depth):
        if action in {"sns:Subscribe", "sns:Unsubscribe"} or (
            action in _UNNAMED and resource == "*"
        ):
            continue
        assert any(name in resource for name in (*_OWN, *_OF_THE_GUARD)), (action, resource)
        if any(name in resource for name in _OF_THE_GUARD):
            assert action in {"lambda:InvokeFunction", "cloudwatch:SetAlarmState"}, action


def test_a_deeper_drill_needs_more() -> None:
    """Each depth has the statements of the one before."""
    bell, dry, live = (build_statements(one) for one in (Depth.BELL, Depth.DRY, Depth.LIVE))

    assert dry[: len(bell)] == bell
    assert live[: len(dry)] == dry
    assert len(bell) < len(dry) < len(live)


def test_it_fits_a_managed_policy() -> None:
    """AWS takes 6,144 characters without white space (IAM user guide, *quotas*)."""
    statements: list[dict[str, Any]] = build_statements(Depth.LIVE)

    assert len(dumps({"Statement": statements}, separators=(",", ":"))) < 6_000
