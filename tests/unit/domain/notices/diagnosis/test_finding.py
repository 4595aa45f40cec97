"""The notices of the diagnosis: texts that people have read, and limits for everything else.

``REWRITE_NOTICES=1 pytest tests/unit/domain/notices/diagnosis/test_finding.py`` writes the texts
anew: read the difference before it is committed.
"""

import os
import shlex
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.diagnosis.authorization import (
    Authorization,
    RemedyDecision,
    RemedyPolicy,
    decide,
)
from functions.domain.diagnosis.checks.registry import CHECKS, examine
from functions.domain.diagnosis.evaluated import EvaluatedFinding, ExaminedFunction
from functions.domain.diagnosis.facts import FactGap, FunctionUnderDiagnosis, InvokedVersion, Part
from functions.domain.diagnosis.finding_registry import (
    Change,
    ChangeKind,
    FindingBook,
    OpenFinding,
    advance,
)
from functions.domain.diagnosis.remediation import Remediation, RemediationEvent, RemediationState
from functions.domain.diagnosis.remedy import RemedyKind
from functions.domain.notices.diagnosis.answer import OUTPUT_LIMIT, compose_answer, compose_output
from functions.domain.notices.diagnosis.digest import (
    compose_digest,
    compose_registry_full,
    compose_weekly,
)
from functions.domain.notices.diagnosis.finding import compose_finding, compose_resolved
from functions.domain.notices.diagnosis.remediation import compose_remediation
from functions.domain.notices.diagnosis.sections import describe_decision
from functions.domain.notices.events.diagnosis import (
    describe_answer,
    describe_changes,
    describe_finding,
    describe_open_findings,
    describe_remediation,
    describe_resolved,
)
from functions.domain.notices.events.guard import describe_remedies_left
from functions.domain.notices.events.record import EventKind
from functions.domain.notices.notice import Deployment, Notice, with_event
from functions.domain.notices.stack_deletion import compose_remedies_left
from functions.workflows.diagnosis.remediate import plan_remediation, remediate, undo
from tests.unit.domain.diagnosis.checks.test_no_traces import EXPECTED, TRACING_ROLE
from tests.unit.domain.diagnosis.checks.test_not_authorized import caller, denial
from tests.unit.domain.diagnosis.samples import (
    NOW,
    PLACE,
    REFUSED,
    Hospital,
    allow,
    deny,
    facts,
    logless,
    reports,
    role,
    rule,
    traffic,
)

HERE = Path(__file__).parent
REWRITE = bool(os.environ.get("REWRITE_NOTICES"))
LATER = NOW + timedelta(hours=3)
SLOW = facts(
    traffic=traffic(p95_duration_ms=2_900, max_duration_ms=3_000),
    reports=reports(timeouts=80, max_memory_used_mb=190, init_count=40, mean_init_ms=850),
)
SICK: dict[str, FunctionUnderDiagnosis] = {
    "no_logs": logless(),
    "no_logs_denied": logless(role=role(allow("logs:*"), deny("logs:*", Sid="Quiet"))),
    "no_traces": facts(role=TRACING_ROLE, environment=EXPECTED),
    "no_traces_rights": facts(tracing_mode="Active", role=role()),
    "not_authorized": facts(callers=(caller(),), denials=(denial(count=14),)),
    "not_invocable": facts(triggers=(rule(failed_invocations=12),)),
    "too_slow": SLOW,
    "too_slow_version": replace(
        SLOW,
        qualifiers=("beta", "live"),
        version=InvokedVersion(qualifier="live", version="7"),
    ),
}


def examined_function(
    under: FunctionUnderDiagnosis, policy: RemedyPolicy | None = None
) -> ExaminedFunction:
    """A function after a round in which nothing was applied."""
    examination = examine(under)
    return ExaminedFunction(
        facts=under,
        examination=examination,
        checks=len(CHECKS),
        judged=tuple(
            EvaluatedFinding(finding=one, decision=decide(one, under, policy or RemedyPolicy()))
            for one in examination.findings
        ),
    )


def found(under: FunctionUnderDiagnosis, kind: ChangeKind = ChangeKind.NEW) -> Notice:
    """The notice of the one finding of a function."""
    (judged,) = examined_function(under).judged
    (change,) = advance(FindingBook(), (examine(under),), NOW).changes
    changed = replace(change, kind=kind)
    return with_event(
        compose_finding(changed, judged, PLACE, NOW), describe_finding(changed, judged, NOW)
    )


def told(event: RemediationEvent, remediation: Remediation, now: datetime = NOW) -> Notice:
    """The notice of a remedy."""
    return with_event(
        compose_remediation(event, remediation, PLACE, now),
        describe_remediation(event, remediation, now),
    )


def resolved(change: Change) -> Notice:
    """The notice of a finding whose cause is gone."""
    return with_event(compose_resolved(change, PLACE, NOW), describe_resolved(change, NOW))


def changes(count: int = 1) -> tuple[Change, ...]:
    """Findings of some functions that are closed."""
    return tuple(
        Change(kind=ChangeKind.CLOSED, record=opened(f"orders-{number}" if number else "orders"))
        for number in range(count)
    )


def opened(name: str = "orders") -> OpenFinding:
    """A finding that is open since three days."""
    (change,) = advance(FindingBook(), (examine(logless()),), NOW - timedelta(days=3)).changes
    summary = change.record.summary.replace("orders", name)
    return replace(change.record, function=name, summary=summary)


def treated() -> tuple[Hospital, Remediation]:
    """A function whose logs were cured."""
    hospital = Hospital()
    (finding,) = examine(logless()).findings
    remediation = hospital.context.remediations.open(
        plan_remediation(finding, finding.remedies[0], NOW)
    )
    return hospital, remediate(remediation, hospital.context, NOW)


def failed(call: str, *, is_undo: bool = False) -> Notice:
    """The notice of a remedy, or of its undoing, that AWS refused."""
    if is_undo:
        hospital, remediation = treated()
        hospital.refusals = {call: REFUSED}
        remediation = undo(remediation, hospital.context, LATER)
        return told(RemediationEvent.UNDO_FAILED, remediation, LATER)
    hospital = Hospital()
    (finding,) = examine(logless()).findings
    hospital.refusals = {call: REFUSED}
    remediation = hospital.context.remediations.open(
        plan_remediation(finding, finding.remedies[0], NOW)
    )
    remediation = remediate(remediation, hospital.context, NOW)
    return told(RemediationEvent.APPLY_FAILED, remediation)


def applied_in_part() -> Notice:
    """The notice of a remedy of which AWS refused the last step."""
    hospital = Hospital()
    (finding,) = examine(logless()).findings
    hospital.refusals = {"set_description": REFUSED}
    remediation = hospital.context.remediations.open(
        plan_remediation(finding, finding.remedies[0], NOW)
    )
    remediation = remediate(remediation, hospital.context, NOW)
    return told(RemediationEvent.APPLIED, remediation)


def registry_full() -> Notice:
    """The notice of findings for which the record has no room."""
    left_out = tuple(f"orders-{number}" for number in range(11))
    book = FindingBook(open=(opened(),), left_out=left_out)
    event = describe_open_findings(book, NOW, EventKind.FINDINGS_LEFT_OUT)
    return with_event(compose_registry_full(book, PLACE, NOW), event)


def weekly() -> Notice:
    """The weekly list."""
    book = FindingBook(open=(opened(), opened("billing")))
    return with_event(compose_weekly(book, PLACE, NOW), describe_open_findings(book, NOW))


def undone(*, is_changed: bool = False) -> Notice:
    """The notice of a rollback."""
    hospital, remediation = treated()
    if is_changed:
        hospital.description_ = "mine"
    remediation = undo(
        remediation, hospital.context, LATER, "arn:aws:sts::123456789012:assumed-role/Admin/alice"
    )
    return told(RemediationEvent.UNDONE, remediation, LATER)


def deleted() -> Notice:
    """The notice of a function that is gone: its role keeps nothing of the remedy."""
    hospital, remediation = treated()
    remediation = undo(remediation, hospital.context, LATER, closing=RemediationState.DELETED)
    return told(RemediationEvent.DELETED, remediation, LATER)


def whole_answer(under: FunctionUnderDiagnosis) -> Notice:
    """The answer to ``-c diagnose=``, and what the stack's output says."""
    evaluated = (examined_function(under),)
    notice = compose_answer(evaluated, PLACE, NOW)
    return replace(
        notice,
        body=f"{notice.body}\n--- output ---\n{compose_output(evaluated, PLACE)}\n",
        event=describe_answer(evaluated, NOW),
    )


GAP = FactGap(part=Part.TRAFFIC, words="AccessDenied: cloudwatch:GetMetricData")
SAMPLES: dict[str, Callable[[], Notice]] = {
    **{f"found_{name}": partial(found, under) for name, under in SICK.items()},
    "found_again": lambda: found(logless(), ChangeKind.RETURNED),
    "found_more": lambda: found(logless(), ChangeKind.NEW_CAUSE),
    "resolved": lambda: resolved(changes()[0]),
    "resolved_deleted": lambda: resolved(replace(changes()[0], is_deleted=True)),
    "digest": lambda: with_event(
        compose_digest(changes(7), PLACE, NOW), describe_changes(changes(7), NOW)
    ),
    "weekly": weekly,
    "remedy_applied": lambda: told(RemediationEvent.APPLIED, treated()[1]),
    "registry_full": registry_full,
    "remedy_applied_in_part": applied_in_part,
    "remedy_not_applied": lambda: failed("put_inline_policy"),
    "remedy_undone": undone,
    "remedy_undone_in_part": lambda: undone(is_changed=True),
    "remedy_not_undone": lambda: failed("delete_inline_policy", is_undo=True),
    "remedy_deleted": deleted,
    "remedies_left": lambda: with_event(
        compose_remedies_left((treated()[1],), PLACE, NOW),
        describe_remedies_left((treated()[1],), NOW),
    ),
    "answer": lambda: whole_answer(replace(SLOW, triggers=(rule(),))),
    "answer_nothing": lambda: whole_answer(facts(traffic=None, gaps=(GAP,))),
    "answer_contained": lambda: whole_answer(logless(is_contained=True)),
}


def check_limits(notice: Notice) -> None:
    """What holds for every notice."""
    assert 0 < len(notice.subject) < 100
    assert notice.subject.isprintable()
    assert notice.subject.startswith("[Loopbreaker] ")
    assert len(notice.body.encode()) <= 32_000
    assert all(line.isprintable() for line in notice.body.splitlines())
    assert "None" not in notice.body


@pytest.mark.parametrize("name", SAMPLES)
def test_text(name: str) -> None:
    """Each kind of notice reads as people agreed."""
    path = HERE / "golden" / f"{name}.txt"
    notice = SAMPLES[name]()
    text = f"Subject: {notice.subject}\n\n{notice.body}"
    if REWRITE:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    assert path.read_text() == text


@pytest.mark.parametrize("name", [one for one in SAMPLES if not one.startswith("answer")])
def test_limits(name: str) -> None:
    """Subjects are short, lines are short, and commands stay whole."""
    check_limits(SAMPLES[name]())


@pytest.mark.parametrize("consent", Authorization)
@pytest.mark.parametrize("name", SICK)
def test_every_decision_has_words(consent: Authorization, name: str) -> None:
    """Whatever was decided about whatever finding is said in sentences."""
    (finding,) = examine(SICK[name]).findings
    embedded = replace(PLACE, is_embedded=True)
    for remedy in (*finding.remedies, None):
        decision = RemedyDecision(consent=consent, remedy=remedy)
        words = describe_decision(decision, finding, PLACE)
        there = describe_decision(decision, finding, embedded)

        assert words.endswith(".")
        assert "None" not in words
        # Somebody else's app takes no flags of ours.
        assert " -c " not in there
        assert "{" not in there


def test_commands_are_safe_in_a_shell() -> None:
    """Every command can be pasted: its policy document is one word."""
    body = found(logless()).body
    command = next(line for line in body.splitlines() if "put-role-policy" in line)

    words = shlex.split(command)
    assert words[:3] == ["aws", "iam", "put-role-policy"]
    assert words[-1].startswith('{"Statement":')


def test_the_rollback_repeats_the_flags_of_the_deployment() -> None:
    """The CDK does not remember flags: the command names them all."""
    notice = compose_remediation(RemediationEvent.APPLIED, treated()[1], PLACE, NOW)

    assert "  npx cdk deploy -c rollback=orders -c remedies=logs" in notice.body.splitlines()


def test_a_function_called_all_is_named_by_its_arn() -> None:
    """The word all means every function."""
    remediation = replace(treated()[1], function="all")
    notice = compose_remediation(RemediationEvent.APPLIED, remediation, PLACE, NOW)

    assert "rollback=arn:aws:lambda:eu-west-1:123456789012:function:orders" in notice.body


def test_memory_names_both_flags() -> None:
    """Memory takes a ceiling beside its name."""
    assert f"-c remedies={RemedyKind.MEMORY} -c memory_ceiling_mb=<MB>" in " ".join(
        found(SLOW).body.split()
    )


@pytest.mark.parametrize("count", [0, 1, 40, 400])
def test_the_output_fits(count: int) -> None:
    """A stack's output is short whatever is found."""
    many = tuple(replace(examined_function(under), facts=under) for under in SICK.values()) * (
        count or 1
    )
    text = compose_output(many[: count or None], PLACE)

    assert len(text.encode()) <= OUTPUT_LIMIT
    assert all(line.isprintable() for line in text.splitlines())


@pytest.mark.thorough
def test_many_findings_stay_within_the_limits() -> None:
    """Thousands of open findings make a list that counts what it leaves out."""
    book = FindingBook(open=tuple(opened(f"orders-{number}") for number in range(3_000)))
    notice = compose_weekly(book, PLACE, NOW)

    check_limits(notice)
    assert "STILL OPEN: 3,000 findings in 3,000 functions" in notice.subject
    check_limits(compose_digest(changes(3_000), PLACE, NOW))


@given(text=st.text(max_size=300))
def test_words_from_outside(text: str) -> None:
    """Whatever a name, an ARN or AWS says, it breaks neither lines nor limits."""
    under = facts(
        triggers=(rule(source_arn=text, evidence=text, principal=f"{text}.amazonaws.com"),),
        denials=(denial(message=text),),
        environment=replace(EXPECTED, tracer_variables=(*EXPECTED.tracer_variables, text)),
        tags={"tracing": "on", text: text},
        role=TRACING_ROLE,
        gaps=(FactGap(part=Part.CALLERS, words=text),),
    )
    whole = examined_function(under)
    for context in (PLACE, Deployment()):
        for notice in (
            *(
                compose_finding(
                    Change(kind=ChangeKind.NEW, record=opened(), finding=one.finding),
                    one,
                    context,
                    NOW,
                )
                for one in whole.judged
            ),
            compose_answer((whole,), context, NOW),
        ):
            assert 0 < len(notice.subject) < 100
            assert all(line.isprintable() for line in notice.body.splitlines())
    output = compose_output((whole,), PLACE)
    assert all(line.isprintable() for line in output.splitlines())
