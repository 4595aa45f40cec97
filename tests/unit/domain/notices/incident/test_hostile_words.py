"""Words from outside pass for no command of ours."""

import re
import shlex
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.detection.evidence import LoopProof, Trigger, TriggerKind
from functions.domain.graph.loop_lookup import LoopStatus
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.states import Transition
from functions.domain.notices.commands import (
    build_rollback_command,
)
from functions.domain.notices.incident.compose import compose_notice
from functions.domain.notices.layout import (
    bullet,
    indent_drawing,
    lines_of,
    paragraph,
)
from functions.domain.notices.notice import Deployment, Notice, NoticeContext
from tests.unit.domain.notices.incident.printing import (
    LONG,
)
from tests.unit.domain.notices.samples.account import (
    CONTEXT,
    NOW,
    TRIGGERS,
)
from tests.unit.domain.notices.samples.stops import (
    contained,
    refused,
    released,
    restored,
    unrestored,
)


@given(text=st.text(max_size=400))
def test_words_from_outside(text: str) -> None:
    """Whatever AWS or a name says, it cannot break lines or the limits."""
    incident = replace(refused(), actor=text)
    context = replace(CONTEXT, detail=text, loop=LoopStatus())
    for transition in (Transition.CONTAIN_FAILED, Transition.RELEASED, Transition.RESTORE_FAILED):
        notice = compose_notice(transition, incident, context, NOW)

        assert 0 < len(notice.subject) < 100
        assert notice.subject.isprintable()
        assert all(line.isprintable() for line in notice.body.splitlines())


FOREIGN = st.lists(
    st.sampled_from(
        [
            "aws",
            "AWS",
            "lambda",
            "delete-function",
            "--function-name",
            "orders",
            "npx",
            "loopbreaker",
            "stop",
            "cdk",
            "destroy",
            "--force",
            "x" * 40,
            "\n",
            ";",
        ]
    ),
    max_size=40,
).map(" ".join)


def commands_of(notice: Notice) -> list[str]:
    """What a person would take for a command to paste: an indented line that begins like one."""
    lines = notice.body.splitlines()
    return [one for one in lines if re.match(r"\s*((?i:aws|npx)|loopbreaker)\b", one)]


@pytest.mark.thorough
@given(text=FOREIGN)
def test_no_text_from_outside_passes_for_a_command(text: str) -> None:
    """Only what Loopbreaker itself puts down to be pasted looks like it."""
    for transition in Transition:
        said = [
            compose_notice(transition, *_foreign(transition, words), NOW)
            for words in (text, "harmless")
        ]

        assert commands_of(said[0]) == commands_of(said[1])
        assert all(line.isprintable() for line in said[0].body.splitlines())


def _foreign(transition: Transition, text: str) -> tuple[Incident, NoticeContext]:
    """An incident and its place, with a text from outside wherever one can be."""
    samples = {
        Transition.RESTORED: restored(),
        Transition.RESTORE_FAILED: unrestored(),
        Transition.CONTAIN_FAILED: refused(),
        Transition.RELEASED: released(),
    }
    incident = samples.get(transition, contained())
    steps = tuple(
        replace(
            one,
            detail=text if one.detail else "",
            restored_detail=text if one.restored_detail else "",
        )
        for one in incident.steps
    )
    loop = LoopStatus(
        proof=LoopProof.CERTAIN,
        drawing=f"{text}\n{text}",
        closed_by=(text,),
        broken_by=text,
        not_ruled_out=(text,),
    )
    trigger = Trigger(kind=TriggerKind.SYNC, service=text, source_arn=text)
    context = replace(CONTEXT, detail=text, loop=loop, triggers=(*TRIGGERS, trigger))
    return replace(incident, actor=text, steps=steps), context


def test_a_name_that_begins_a_line_is_marked() -> None:
    """Where the name of something begins a line like a command, a mark stands before it."""
    hostile = "aws lambda delete-function --function-name orders"

    assert paragraph(hostile) == f"| {hostile}"
    assert bullet(hostile) == f"- {hostile}"
    assert indent_drawing(hostile) == f"  | {hostile}"
    assert lines_of("STOPPED orders.", hostile) == f"STOPPED orders.\n| {hostile}"
    assert paragraph(f"It says:\n\n  {hostile}") == f"It says: {hostile}"


def test_rollback_is_safe_in_a_shell() -> None:
    """A name with characters that a shell would read is quoted."""
    incident = contained(function="a b;$(reboot)'")

    assert (
        shlex.split(build_rollback_command(incident.function, incident.function_arn, Deployment()))[
            -1
        ]
        == "rollback=a b;$(reboot)'"
    )
    words = shlex.split(
        build_rollback_command(
            incident.function, incident.function_arn, Deployment(is_embedded=True)
        )
    )
    assert words == ["loopbreaker", "restore", "a b;$(reboot)'"]


def test_a_function_called_all() -> None:
    """A function named "all" is restored by its ARN, since the word alone means every function."""
    arn = contained(function="all").function_arn

    assert build_rollback_command("all", arn, Deployment()).endswith(
        "rollback=arn:aws:lambda:eu-west-1:123456789012:function:all"
    )


def test_long_names_keep_both_ends() -> None:
    """A long name gives way in its middle, and what happened stays whole."""
    notice = compose_notice(Transition.CONTAINED, contained(function=LONG), CONTEXT, NOW)

    assert notice.subject.startswith("[Loopbreaker] STOPPED a-very-long-prefix")
    assert notice.subject.endswith("west-1-suffix: 14,800/min, normal 35/min")
    assert "..." in notice.subject
