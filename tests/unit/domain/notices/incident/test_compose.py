"""The notices: texts that people have read and found good, and limits for everything else.

``REWRITE_NOTICES=1 pytest tests/unit/domain/notices/incident/test_compose.py`` writes the texts
anew: read the difference before it is committed. docs/notices.md has its own test.
"""

import os
import re
import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.changes.outcome import StepStatus
from functions.domain.changes.steps import DisableMapping, LimitMapping, StepOutcome
from functions.domain.detection.assessment import Ground, Reason, Unit, Verdict
from functions.domain.detection.evidence import LoopProof, Trigger, TriggerKind
from functions.domain.graph.loop_lookup import LoopStatus
from functions.domain.holding.outcomes import Shown
from functions.domain.holding.watch import Lever
from functions.domain.incidents.decision import DecisionReason
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.snapshot import FoundReservation
from functions.domain.incidents.states import Transition
from functions.domain.notices.commands import (
    build_own_restore_command,
    build_restore_commands,
    build_rollback_command,
)
from functions.domain.notices.grounds import GROUND_WORDS, describe_ground
from functions.domain.notices.incident.compose import compose_notice
from functions.domain.notices.incident.sections.settings import list_steps_in_force
from functions.domain.notices.incident.stopped import compose_ledger_unavailable
from functions.domain.notices.incident.tags import compose_doubtful_tag, compose_unreadable_tag
from functions.domain.notices.incident.unreadable_record import compose_unreadable_record
from functions.domain.notices.layout import (
    bullet,
    indent_drawing,
    lines_of,
    mark_as_repeated,
    paragraph,
)
from functions.domain.notices.links import build_function_link
from functions.domain.notices.notice import Deployment, Notice, NoticeContext
from functions.domain.notices.stack_deletion import compose_functions_left
from tests.unit.domain.notices.samples.account import (
    CONTEXT,
    DEPLOYMENT,
    FUNCTION,
    HOLDING,
    NOW,
    TRIGGERS,
    assessed,
    told,
)
from tests.unit.domain.notices.samples.holds import FIGURES, held, judged
from tests.unit.domain.notices.samples.mails import SAMPLES, TAGGED, tagged
from tests.unit.domain.notices.samples.stops import (
    contained,
    order_refused,
    ordered,
    refused,
    released,
    restored,
    unrestored,
)

if TYPE_CHECKING:
    from collections.abc import Callable

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


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("orders", ["restore", "orders", "--region", "eu-west-1"]),
        ("a b;$(reboot)'", ["restore", "a b;$(reboot)'", "--region", "eu-west-1"]),
        ("--all", ["restore", "--region", "eu-west-1", "--", "--all"]),
    ],
)
def test_the_own_command_names_one_function(name: str, words: list[str]) -> None:
    """Whatever its name is: that may begin with a hyphen, as options do."""
    command = build_own_restore_command(name, "eu-west-1")

    assert shlex.split(command) == ["loopbreaker", *words]
    assert build_own_restore_command("orders", None) == "loopbreaker restore orders"


def test_a_function_called_all() -> None:
    """A function named "all" is restored by its ARN, since the word alone means every function."""
    arn = contained(function="all").function_arn

    assert build_rollback_command("all", arn, Deployment()).endswith(
        "rollback=arn:aws:lambda:eu-west-1:123456789012:function:all"
    )


@pytest.mark.parametrize(
    ("prior", "verb", "option"),
    [
        (None, "delete-function-concurrency", ""),
        (0, "put-function-concurrency", " --reserved-concurrent-executions 0"),
        (25, "put-function-concurrency", " --reserved-concurrent-executions 25"),
    ],
)
def test_nothing_and_zero_are_kept_apart(prior: int | None, verb: str, option: str) -> None:
    """No reservation is put back by deleting it; 0 and other numbers by writing them."""
    incident = contained(prior=prior)
    command = f"aws lambda {verb} --function-name orders-enricher{option} --region eu-west-1"

    notices = (
        compose_ledger_unavailable(incident, CONTEXT, NOW),
        compose_functions_left((incident,), DEPLOYMENT, NOW),
    )

    for notice in notices:
        given_commands = [line.strip() for line in notice.body.splitlines()]
        assert [line for line in given_commands if "function-concurrency " in line] == [command]


def test_only_what_is_still_changed_is_put_back() -> None:
    """Commands leave out what is back, gone, refused, or changed by somebody else."""
    names = [type(one.step).__name__ for one in list_steps_in_force(unrestored())]

    assert names == ["Reserve", "RemoveProvisioned"]
    assert list_steps_in_force(restored()) == ()
    assert list_steps_in_force(refused()) == ()


def test_a_planned_step_counts_as_changed() -> None:
    """A step that may have been done before a crash is put back too."""
    incident = told(DecisionReason.RUNAWAY).with_reservation(0, None)

    assert build_restore_commands(list_steps_in_force(incident), None) == (
        "aws lambda delete-function-concurrency --function-name orders-enricher",
    )


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


@pytest.mark.parametrize(("prior", "before"), [(None, "no limit"), (40, "40")])
@pytest.mark.parametrize("transition", [Transition.ENDED, Transition.DELETED])
def test_a_limited_mapping_is_named_with_the_way_back(
    transition: Transition, prior: int | None, before: str
) -> None:
    """What is set now, what was there before, and the command that puts it back."""
    limit = LimitMapping(function=FUNCTION, uuid="u-1", source_arn="q", to=5, prior=prior)
    incident = contained().with_step(StepOutcome(step=limit, status=StepStatus.DONE))

    notice = compose_notice(transition, incident, CONTEXT, NOW)

    check_limits(notice)
    config = "'{}'" if prior is None else f"MaximumConcurrency={prior}"
    assert f"update-event-source-mapping --uuid u-1 --scaling-config {config}" in notice.body
    if transition is Transition.ENDED:
        said = f"Maximum concurrency of event source mapping u-1: 5; before, {before}."
        assert said in " ".join(notice.body.split())
    stopped = compose_notice(Transition.CONTAINED, incident, CONTEXT, NOW)
    assert "Limited in its concurrency: 1 event source mapping." in " ".join(stopped.body.split())


def test_long_names_keep_both_ends() -> None:
    """A long name gives way in its middle, and what happened stays whole."""
    notice = compose_notice(Transition.CONTAINED, contained(function=LONG), CONTEXT, NOW)

    assert notice.subject.startswith("[Loopbreaker] STOPPED a-very-long-prefix")
    assert notice.subject.endswith("west-1-suffix: 14,800/min, normal 35/min")
    assert "..." in notice.subject


def test_repeated_is_marked() -> None:
    """A repeat says so in subject and body and keeps the limits."""
    stored = Notice(subject="[Loopbreaker] " + "s" * 85, body="Body.\n")

    notice = mark_as_repeated(stored)

    check_limits(notice)
    assert notice.subject.startswith("[Loopbreaker] (again) s")
    assert notice.body.startswith("Sent again, because the first sending was not confirmed.")
    assert notice.body.rstrip().endswith("Body.")


def test_observe_mode_would_hold() -> None:
    """Observe mode says what the deployment's response would have been."""
    incident = told(DecisionReason.OBSERVE_MODE, Verdict.SUSPECTED)

    notice = compose_notice(
        Transition.NOTIFIED, incident, replace(CONTEXT, deployment=HOLDING), NOW
    )

    assert notice.subject.startswith("[Loopbreaker] WOULD HOLD orders-enricher")


def test_released_by_a_changed_number() -> None:
    """A reservation that somebody changed is said with its number, 0 included."""
    for found in (0, 40):
        context = replace(CONTEXT, found=FoundReservation(reserved_concurrency=found))

        body = compose_notice(Transition.RELEASED, released(), context, NOW).body

        assert f"It is now {found}." in body


def test_restore_failed_warns_of_what_was_already_put_back() -> None:
    """An enabled mapping on a function that is still at 0 moves good messages: said at the top."""
    body = compose_notice(Transition.RESTORE_FAILED, unrestored(), CONTEXT, NOW).body

    top = body.partition("\n\n")[0]
    assert "Good messages of SQS orders-in move to its dead-letter queue." in top


def test_an_incident_that_was_capped_first() -> None:
    """A stop that follows a cap says so, and what was there before the cap."""
    incident = contained(target=5, prior=80).with_reservation(0, 5)

    body = compose_notice(Transition.CONTAINED, incident, CONTEXT, NOW).body

    assert "before, it was 80. It had been capped at 5 first, at 2026-11-23 03:15 UTC." in " ".join(
        body.split()
    )


def test_the_deadline_is_near_the_top() -> None:
    """Until when stream records are kept stands on the first screen."""
    body = compose_notice(Transition.CONTAINED, contained(), CONTEXT, NOW).body

    assert body.index("2026-11-24 03:15 UTC") < body.index("Fix the loop")


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("eu-west-1", "https://eu-west-1.console.aws.amazon.com/"),
        ("cn-north-1", "https://cn-north-1.console.amazonaws.cn/"),
        ("us-gov-west-1", "https://us-gov-west-1.console.amazonaws-us-gov.com/"),
    ],
)
def test_links_lead_to_the_partition(region: str, host: str) -> None:
    """Links use the console of the Region's partition and survive being recognised in a mail."""
    link = build_function_link("orders", region)

    assert link.startswith(host)
    assert not set(link) & set(" '\"<>")
    assert link.count("(") == link.count(")")
    assert "/orders?" in link


def test_the_only_record_is_to_be_kept() -> None:
    """Without ledger and tags the notice says that it is the only record."""
    body = compose_ledger_unavailable(contained(), NoticeContext(), NOW, is_tagged=False).body

    assert "KEEP THIS NOTICE" in body


@pytest.mark.parametrize("transition", Transition)
@pytest.mark.parametrize("kind", incidents())
def test_an_embedded_guard_names_its_command(transition: Transition, kind: str) -> None:
    """Somebody else's app takes no flags of ours, so no notice asks to restore with them."""
    embedded = replace(CONTEXT, deployment=replace(DEPLOYMENT, is_embedded=True))
    usual, there = (
        compose_notice(transition, incidents()[kind], context, NOW).body
        for context in (CONTEXT, embedded)
    )

    assert "cdk deploy" not in there
    assert " -c " not in there
    assert "flag" not in there
    assert usual.count("npx cdk deploy -c rollback=") == there.count("loopbreaker restore ")
    if "loopbreaker restore" in there:
        named = rf"loopbreaker restore {FUNCTION} (--force )?--region eu-west-1\n"
        assert re.search(named, there)


@pytest.mark.parametrize("name", ["tag_in_doubt", "tag_unreadable", "record_unreadable"])
def test_an_embedded_guard_names_what_restores_all(name: str) -> None:
    """Where all is said to be restored by a flag, the command stands there instead."""
    there = replace(DEPLOYMENT, is_embedded=True)
    composers: dict[str, Callable[[], Notice]] = {
        "tag_in_doubt": lambda: compose_doubtful_tag(tagged(), TAGGED, there),
        "tag_unreadable": lambda: compose_unreadable_tag(tagged("nothing of ours"), there),
        "record_unreadable": lambda: compose_unreadable_record(FUNCTION, there),
    }
    body = " ".join(composers[name]().body.split())

    assert " -c " not in body
    assert "loopbreaker restore --all" in body
