"""The text of every notice about an incident, and that every reason has words."""

import shlex
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.changes.outcome import StepStatus
from functions.domain.changes.steps import DisableMapping, StepOutcome
from functions.domain.detection.assessment import Ground, Reason, Unit, Verdict
from functions.domain.detection.evidence import Trigger, TriggerKind
from functions.domain.graph.loop_lookup import LoopStatus
from functions.domain.incidents.decision import DecisionReason
from functions.domain.incidents.states import Transition
from functions.domain.notices.grounds import GROUND_WORDS, describe_ground
from functions.domain.notices.incident.compose import compose_notice
from functions.domain.notices.incident.stopped import compose_ledger_unavailable
from functions.domain.notices.notice import NoticeContext
from functions.domain.notices.stack_deletion import compose_functions_left
from tests.unit.domain.notices.incident.printing import (
    HERE,
    LONG,
    NAMES,
    REWRITE,
    check_limits,
    incidents,
    printed,
)
from tests.unit.domain.notices.samples.account import (
    CONTEXT,
    FUNCTION,
    NOW,
    TRIGGERS,
    told,
)
from tests.unit.domain.notices.samples.mails import SAMPLES
from tests.unit.domain.notices.samples.stops import (
    contained,
)


@pytest.mark.parametrize("name", SAMPLES)
def test_text(name: str) -> None:
    """Each kind of notice reads as people agreed."""
    path = HERE.parent / "golden" / f"{name}.txt"
    text = printed(SAMPLES[name]())
    if REWRITE:
        path.write_text(text)

    assert path.read_text() == text


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_words(reason: Reason) -> None:
    """Every reason has a sentence, with and without its numbers."""
    assert reason in GROUND_WORDS
    for unit in Unit:
        for value, reference in ((None, None), (1.0, None), (2.5, 14_800.0), (None, 3.0)):
            text = describe_ground(
                Ground(reason=reason, value=value, unit=unit, reference=reference)
            )
            assert text.endswith(".")
            assert "{" not in text


@pytest.mark.parametrize("transition", Transition)
@pytest.mark.parametrize("kind", incidents())
@pytest.mark.parametrize("context", [CONTEXT, NoticeContext()], ids=["known", "unknown"])
def test_every_transition(transition: Transition, kind: str, context: NoticeContext) -> None:
    """Each transition of each incident has a good text, however little is known."""
    notice = compose_notice(transition, incidents()[kind], context, NOW)

    check_limits(notice)
    assert FUNCTION in notice.subject
    assert FUNCTION in notice.body
    assert "None" not in notice.body
    assert f"Incident {incidents()[kind].id}" in notice.body


@pytest.mark.parametrize("reason", DecisionReason)
@pytest.mark.parametrize("verdict", Verdict)
def test_every_decision(reason: DecisionReason, verdict: Verdict) -> None:
    """A notice that nothing was changed says so for every reason and verdict."""
    notice = compose_notice(Transition.NOTIFIED, told(reason, verdict), CONTEXT, NOW)

    check_limits(notice)
    assert not notice.subject.startswith("[Loopbreaker] STOPPED")


@given(
    function=NAMES | st.just(LONG),
    transition=st.sampled_from(Transition),
    rate=st.floats(min_value=0, max_value=1e9),
    normal=st.none() | st.floats(min_value=0, max_value=1e9),
)
def test_any_function(
    function: str, transition: Transition, rate: float, normal: float | None
) -> None:
    """Subject and lines stay within their limits for any function, and commands name it whole."""
    incident = contained(function=function, prior=7)
    incident = replace(
        incident,
        assessment=replace(incident.assessment, rate_per_minute=rate, normal_per_minute=normal),
    )

    notice = compose_notice(transition, incident, CONTEXT, NOW)

    check_limits(notice)
    commands = [line for line in notice.body.splitlines() if line.startswith("  npx ")]
    for command in commands:
        words = shlex.split(command)
        named = incident.function_arn if function == "all" else function
        flags = ["-c", "email=ops@example.com"]
        assert words[:5] == ["npx", "cdk", "deploy", "-c", f"rollback={named}"]
        # Where the graph is certain of its loop, only the force restores it at once.
        assert words[5:] in (flags, ["-c", "rollback_force=yes", *flags])
    if transition in {Transition.CONTAINED, Transition.CAPPED, Transition.RESTORE_FAILED}:
        assert len(commands) == 1


@pytest.mark.thorough
def test_bounded_whatever_happens() -> None:
    """Thousands of triggers, grounds and settings still make a notice, which counts what is out."""
    many = tuple(
        replace(TRIGGERS[0], source_arn=f"{TRIGGERS[0].source_arn}-{i}", mapping_uuid=f"{i}")
        for i in range(3_000)
    )
    sync = Trigger(kind=TriggerKind.SYNC, service="URL", source_arn="")
    incident = contained()
    incident = replace(
        incident,
        assessment=replace(
            incident.assessment,
            grounds=tuple(Ground(reason=Reason.SUSTAINED, value=i) for i in range(500)),
        ),
        steps=tuple(
            StepOutcome(
                step=DisableMapping(function=FUNCTION, uuid=str(i), source_arn="x" * 300),
                status=StepStatus.DONE if i % 2 else StepStatus.FAILED,
                detail="y" * 5_000,
            )
            for i in range(3_000)
        ),
    )
    loop = LoopStatus(drawing="▶" * 90_000, closed_by=("c" * 9_000,) * 99, broken_by="b" * 9_000)
    context = replace(CONTEXT, triggers=(*many, sync), loop=loop)

    for transition in Transition:
        notice = compose_notice(transition, incident, context, NOW)
        assert len(notice.body.encode()) <= 32_000
    notice = compose_notice(Transition.CONTAINED, incident, context, NOW)
    assert "(492 more reasons left out here.)" in notice.body
    assert "and 1,495 more" in " ".join(notice.body.split())
    assert "npx cdk deploy -c rollback=orders-enricher" in notice.body
    assert (
        len(compose_functions_left((incident,) * 300, context.deployment, NOW).body.encode())
        <= 32_000
    )
    assert len(compose_ledger_unavailable(incident, context, NOW).body.encode()) <= 32_000
