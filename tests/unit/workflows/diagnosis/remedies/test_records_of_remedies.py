"""What is planned, marked and written down."""

import json
from dataclasses import replace

import pytest

from functions.domain.diagnosis.checks.registry import examine
from functions.domain.diagnosis.record import REMEDIATION_RECORD
from functions.domain.diagnosis.remedy import (
    AddPermission,
    RefreshCredentials,
    Remedy,
)
from functions.domain.errors import SnapshotOverwriteError
from functions.workflows.diagnosis.remediate import (
    is_statement_of,
    plan_remediation,
    remediate,
    undo,
)
from tests.unit.domain.diagnosis.samples import (
    NOW,
    Hospital,
    facts,
    rule,
)
from tests.unit.workflows.diagnosis.remedies.cases import (
    CASES,
    LATER,
    MINUTE,
    applied,
    case,
    opened,
)


def test_a_treatment_is_continued_with_another_step() -> None:
    """A second trigger joins the same record, so that one rollback undoes both."""
    one = facts(triggers=(rule(),))
    (first,) = examine(one).findings
    hospital = Hospital()
    before = hospital.state
    remediation = remediate(
        hospital.context.remediations.open(plan_remediation(first, first.remedies[0], NOW)),
        hospital.context,
        NOW,
    )
    (second,) = examine(CASES["permissions"]).findings

    more = plan_remediation(second, second.remedies[0], LATER, remediation)
    more = remediate(hospital.context.remediations.save(more), hospital.context, LATER)

    assert more.id == remediation.id
    assert len(hospital.statements) == 2
    assert hospital.journal.count("add_permission") == 2
    undo(more, hospital.context, LATER + MINUTE)
    assert hospital.state == before


def test_only_what_may_be_done_is_ever_planned() -> None:
    """A remedy that is only named cannot become a remediation."""
    (finding,) = examine(CASES["memory"]).findings
    for remedy in (finding.remedies[1], replace(finding.remedies[0], named_only="Never.")):
        with pytest.raises(ValueError, match="never applied"):
            plan_remediation(finding, remedy, NOW)
    with pytest.raises(ValueError, match="never applied"):
        plan_remediation(finding, Remedy(words=""), NOW)


def test_the_snapshot_is_never_overwritten() -> None:
    """What a step found is written once."""
    _, remediation = applied("memory")
    assert remediation.snapshot is not None

    with pytest.raises(SnapshotOverwriteError):
        remediation.with_prior(remediation.snapshot[0])
    assert remediation.was("memory") == "128"


def test_a_long_description_gives_way_to_the_mark_and_comes_back_whole() -> None:
    """The mark always fits, and the description is put back to the letter."""
    hospital, remediation = opened("logs")
    hospital.description_ = "d" * 256

    remediation = remediate(remediation, hospital.context, NOW)
    marked = hospital.description_
    undo(remediation, hospital.context, LATER)

    assert len(marked) <= 256
    assert marked.endswith("(Loopbreaker: credentials refreshed 2026-11-23T09:30Z)")
    assert hospital.description_ == "d" * 256


def test_an_old_mark_is_replaced() -> None:
    """Two refreshes leave one mark."""
    hospital, remediation = opened("logs")
    hospital.description_ = "takes orders (Loopbreaker: credentials refreshed 2026-01-01T00:00Z)"
    remediate(remediation, hospital.context, NOW)

    assert hospital.description_ == (
        "takes orders (Loopbreaker: credentials refreshed 2026-11-23T09:30Z)"
    )


@pytest.mark.parametrize("name", CASES)
def test_the_record_is_read_as_it_was_written(name: str) -> None:
    """A remediation survives being stored as text, before and after it was applied."""
    before, (_, after) = case(name), applied(name)

    assert REMEDIATION_RECORD.load(REMEDIATION_RECORD.dump(before)) == before
    assert REMEDIATION_RECORD.load(REMEDIATION_RECORD.dump(after)) == after


def test_a_statement_is_recognised_in_any_of_its_spellings() -> None:
    """AWS writes keys and operators as it likes; more or fewer conditions are another statement."""
    (first, *_) = case("permissions").steps
    step = first.step
    assert isinstance(step, AddPermission)
    statement = {
        "Sid": step.statement_id,
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": "arn",
        "Condition": {"ArnLike": {"aws:sourceArn": step.source_arn}},
    }
    wider = {**statement, "Condition": {}}

    assert is_statement_of(step, json.dumps(statement))
    assert is_statement_of(step, json.dumps({**statement, "Principal": "events.amazonaws.com"}))
    others: tuple[object, ...] = (wider, {**statement, "Effect": "Deny"}, {}, [], "x")
    for other in others:
        assert not is_statement_of(step, json.dumps(other))
    assert not is_statement_of(step, "not JSON")


def test_a_refresh_is_fixed_when_the_snapshot_is_taken() -> None:
    """The description of the moment counts, not the one of the examination."""
    hospital, remediation = opened("logs")
    hospital.description_ = "new words"
    remediation = remediate(remediation, hospital.context, NOW)
    refresh = remediation.steps[1].step

    assert isinstance(refresh, RefreshCredentials)
    assert refresh.prior == "new words"
    assert hospital.description_.startswith("new words (Loopbreaker")
