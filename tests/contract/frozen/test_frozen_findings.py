"""Findings, remediations and event graphs of earlier versions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest

from bench.worlds.paged_account import ACCOUNT, REGION
from functions.aws.account.inventory import build_account
from functions.aws.records.chart_store import ChartStore
from functions.aws.records.diagnosis_store import DiagnosisStore
from functions.aws.records.fact_store import FactStore
from functions.aws.records.graph_summary import LoopBookStore, pack_summary, unpack_summary
from functions.domain.account.configuration_change import Change, ChangeKind
from functions.domain.detection.evidence import LoopProof
from functions.domain.diagnosis.record import BOOK_RECORD, REMEDIATION_RECORD
from functions.domain.diagnosis.remediation import RemediationState
from functions.domain.diagnosis.triage import Progress
from functions.workflows.diagnosis.run import undo_remediations
from tests.contract.frozen.thawing import (
    GRAPH_AT,
    GRAPH_LATER,
    REREAD,
    STORIES,
    thaw,
)
from tests.frozen.sets import set_names
from tests.frozen.told.staging import ChartStage
from tests.unit.domain.diagnosis.samples import NOW as DAY
from tests.unit.domain.diagnosis.samples import Hospital

if TYPE_CHECKING:
    from tests.contract.frozen.thawing import (
        Frozen,
    )


@pytest.mark.parametrize("name", set_names())
def test_findings_are_read(name: str) -> None:
    """What is open, what was closed, how far a check has come, and what was changed since."""
    store = store_of(thaw(name, "findings"))

    book = store.read_findings()

    assert [(one.function, one.entry) for one in book.open] == [("orders", "too_slow")]
    assert book.open[0].told_causes == ("memory_full", "near_timeout")
    assert [one.finding.entry for one in book.closed] == ["no_logs"]
    assert BOOK_RECORD.load(BOOK_RECORD.dump(book)) == book
    assert store.save_book(book) == store.read_findings() == replace(book, version=book.version + 1)
    assert store.read_progress() == Progress(began_at=DAY, after="orders", finished_at=DAY)
    assert store.read_touched() == dict.fromkeys(("orders", "role/orders-role"), DAY.isoformat())
    ((denied,),) = store.read_denials(DAY).values()
    assert (denied.principal_arn.rpartition("/")[2], denied.last_at) == ("clerk", DAY)


TREATED: Final = {
    "treatment_applying": {"orders": RemediationState.APPLYING},
    "treatments_applied": dict.fromkeys(
        ("logs", "memory", "permissions", "traces"), RemediationState.APPLIED
    ),
    "treatment_undoing": {"orders": RemediationState.UNDOING},
    "treatments_closed": {
        "gone": RemediationState.DELETED,
        "orders": RemediationState.UNDONE,
        "refused": RemediationState.FAILED,
    },
}


@pytest.mark.parametrize(("name", "story"), [one for one in STORIES if one[1] in TREATED])
def test_remedies_are_undone(name: str, story: str) -> None:
    """Each is in its state, and what it changed is put back exactly."""
    frozen = thaw(name, story)
    store = store_of(frozen)

    remediations = store.read_remediations()

    assert {one.function: one.state for one in remediations} == TREATED[story]
    for one in remediations:
        assert REMEDIATION_RECORD.load(REMEDIATION_RECORD.dump(one)) == one
        hospital = treated(frozen.told["treated"][one.function])
        context = replace(hospital.context, remediations=store)
        undo_remediations((one.function,), context, DAY + timedelta(hours=2))
        untouched = replace(Hospital(), is_deleted=hospital.is_deleted)
        assert hospital.state == untouched.state
    assert all(one.is_closed for one in store.read_remediations())


def store_of(frozen: Frozen) -> DiagnosisStore:
    """Today's store of findings and remediations."""
    return DiagnosisStore(frozen.table)


def treated(told: dict[str, Any]) -> Hospital:
    """An account in which a function was remediated."""
    keyed: dict[str, Any] = {
        one: {tuple(key): text for *key, text in told[one]} for one in ("policies", "statements")
    }
    return Hospital(**{**told, **keyed})


@pytest.mark.parametrize("name", set_names())
def test_the_event_graph_goes_on(name: str) -> None:
    """A notice that waits is sent, a loop that was told is not told again, the account is read."""
    frozen = thaw(name, "chart")
    store = ChartStore(frozen.table, holder="today")
    before, (waiting,) = store.state(), store.read_notices()
    (noted,) = store.read_noted()
    stage = ChartStage(frozen.table)
    stage.scene.now = GRAPH_LATER

    while not stage.refresh().tick().is_complete:
        pass

    assert (before.full_at, before.facts is not None) == (GRAPH_AT, True)
    assert before.going is not None
    assert noted.change == Change(kind=ChangeKind.ROLE, name="orders-role")
    assert stage.scene.subjects == [waiting.subject]
    assert store.read_notices() == ()
    assert store.state().told == before.told
    books = LoopBookStore(frozen.table, clock=lambda: GRAPH_LATER)
    book = books.load()
    assert book is not None
    assert book.proof("orders-00003") is LoopProof.CERTAIN


@pytest.mark.parametrize("name", set_names())
def test_a_graph_of_an_earlier_version_is_read_or_left_alone(name: str) -> None:
    """Where its meaning has changed since, nothing is known until the account is read anew."""
    frozen = thaw(name, "chart")
    now = datetime(2026, 3, 10, 12, 5, tzinfo=UTC)

    book = LoopBookStore(frozen.table, clock=lambda: now).load()

    if name in REREAD:
        assert book is None
        return
    assert book is not None
    assert (book.at, book.proof("orders-00003")) == (GRAPH_AT, LoopProof.CERTAIN)
    assert book.proof("orders-00006") is not LoopProof.CERTAIN
    assert unpack_summary(pack_summary(book)) == book
    state = ChartStore(frozen.table, holder="today").state()
    assert state.facts is not None
    store = FactStore(frozen.table, account=ACCOUNT, region=REGION, partition="aws")
    facts = store.load(state.facts)
    assert len(build_account(facts).functions) == 8
